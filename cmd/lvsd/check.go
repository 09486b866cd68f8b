package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

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
		Long: `Validate configuration files without touching the host.

A file that tells nodes apart (by hostname, or @ lines) is checked for every node that it
names; --hostname checks it for one.

Exit code 0: all are valid; 1: one is not; 2: the command line is wrong.`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			load, err := loadOptions(format, hostname)
			if err != nil {
				return usage(c, err)
			}
			return check(files, load, hostname, asJSON)
		},
	}
	formatFlag(c, &format)
	c.Flags().StringVar(&hostname, "hostname", "", "check the files for this node, not for every one that they name")
	c.Flags().BoolVar(&asJSON, "json", false, "print the problems as JSON on standard output")
	return c
}

// anyNode is the hostname under which a file is checked that names no node: the answer must not
// depend on the host that asks.
const anyNode = "localhost"

func check(files []string, load conf.Options, hostname string, asJSON bool) error {
	valid, found := true, []problem{}
	for _, file := range files {
		nodes := []string{hostname}
		if hostname == "" {
			if nodes = conf.Hostnames(file, load); nodes == nil {
				nodes = []string{anyNode}
			}
		}
		fileValid := true
		told := map[string]bool{}
		for _, node := range nodes {
			load.Hostname = node
			result := conf.Load(file, load)
			fileValid = fileValid && result.Config != nil
			result.Diags = untold(result.Diags, told)
			if asJSON {
				found = append(found, problems(result.Diags, node, len(nodes) > 1)...)
				continue
			}
			if len(nodes) > 1 && len(result.Diags) > 0 {
				fmt.Fprintf(os.Stderr, "%s, for the node %s:\n", file, node)
			}
			if err := result.WriteDiagnostics(os.Stderr, terminal(os.Stderr)); err != nil {
				return fmt.Errorf("print diagnostics: %w", err)
			}
		}
		valid = valid && fileValid
		if asJSON {
			continue
		}
		verdict := "valid"
		if !fileValid {
			verdict = "not valid"
		}
		if len(nodes) > 1 {
			verdict += " (checked for " + strings.Join(nodes, ", ") + ")"
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

// untold drops what was told for another node.
func untold(diags hcl.Diagnostics, told map[string]bool) hcl.Diagnostics {
	var fresh hcl.Diagnostics
	for _, d := range diags {
		if line := conf.OneLine(d); !told[line] {
			told[line] = true
			fresh = append(fresh, d)
		}
	}
	return fresh
}

// report is what check --json prints.
type report struct {
	Valid       bool      `json:"valid"`
	Diagnostics []problem `json:"diagnostics"`
}

type problem struct {
	Severity  string    `json:"severity"` // error or warning
	Summary   string    `json:"summary"`
	Detail    string    `json:"detail,omitempty"`
	Node      string    `json:"node,omitempty"` // where the file names several: the first for which it is so
	File      string    `json:"file"`
	Line      int       `json:"line"`
	Column    int       `json:"column"`
	EndLine   int       `json:"end_line"`
	EndColumn int       `json:"end_column"`
	Related   []related `json:"related,omitempty"`
}

type related struct {
	Text   string `json:"text"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func problems(diags hcl.Diagnostics, node string, several bool) []problem {
	var list []problem
	for _, d := range diags {
		p := problem{Severity: "error", Summary: d.Summary, Detail: d.Detail, File: d.Subject.Filename,
			Line: d.Subject.Start.Line, Column: d.Subject.Start.Column,
			EndLine: d.Subject.End.Line, EndColumn: d.Subject.End.Column}
		if d.Severity == hcl.DiagWarning {
			p.Severity = "warning"
		}
		if several {
			p.Node = node
		}
		for _, r := range conf.RelatedTo(d) {
			p.Related = append(p.Related, related{r.Text, r.Range.Filename, r.Range.Start.Line, r.Range.Start.Column})
		}
		list = append(list, p)
	}
	return list
}
