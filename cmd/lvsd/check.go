package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"lvsd/internal/conf"
)

func checkCommand() *cobra.Command {
	var format, hostname string
	var asJSON bool
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Validate configuration files without touching the host",
		Long:  "Validate configuration files without touching the host.\nExit code 0: all are valid; 1: one is not; 2: the command line is wrong.",
		Args:  args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			load, err := loadOptions(format, hostname)
			if err != nil {
				return usage(c, err)
			}
			return check(files, load, asJSON)
		},
	}
	formatFlag(c, &format)
	hostnameFlag(c, &hostname)
	c.Flags().BoolVar(&asJSON, "json", false, "print the problems as JSON on standard output")
	return c
}

func check(files []string, load conf.Options, asJSON bool) error {
	valid, found := true, []problem{}
	for _, file := range files {
		result := conf.Load(file, load)
		valid = valid && result.Config != nil
		if asJSON {
			found = append(found, problems(result.Diags)...)
			continue
		}
		if err := result.WriteDiagnostics(os.Stderr, terminal(os.Stderr)); err != nil {
			return fmt.Errorf("print diagnostics: %w", err)
		}
		verdict := "valid"
		if result.Config == nil {
			verdict = "not valid"
		}
		if _, err := fmt.Printf("%s: %s\n", file, verdict); err != nil {
			return fmt.Errorf("print verdict: %w", err)
		}
	}
	if asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(report{valid, found}); err != nil {
			return fmt.Errorf("print problems: %w", err)
		}
	}
	if !valid {
		return exit{exitFailure}
	}
	return nil
}

// report is what check --json prints.
type report struct {
	Valid       bool      `json:"valid"`
	Diagnostics []problem `json:"diagnostics"`
}

type problem struct {
	Severity  string `json:"severity"` // error or warning
	Summary   string `json:"summary"`
	Detail    string `json:"detail,omitempty"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
}

func problems(diags hcl.Diagnostics) []problem {
	var list []problem
	for _, d := range diags {
		severity := "error"
		if d.Severity == hcl.DiagWarning {
			severity = "warning"
		}
		list = append(list, problem{severity, d.Summary, d.Detail, d.Subject.Filename,
			d.Subject.Start.Line, d.Subject.Start.Column, d.Subject.End.Line, d.Subject.End.Column})
	}
	return list
}
