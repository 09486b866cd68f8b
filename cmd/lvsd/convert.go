package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lvsd/internal/conf"
	"lvsd/internal/conf/convert"
)

func convertCommand() *cobra.Command {
	var read readFlags
	c := &cobra.Command{
		Use:   "convert FILE...",
		Short: "Convert keepalived.conf, heartbeat's files and ipvsadm's rules to HCL",
		Long: `Convert keepalived.conf, heartbeat's haresources, ha.cf and authkeys, and the rules of ipvsadm
(a script, or what ipvsadm -S -n writes) to HCL. Several files become one. The HCL goes to
standard output, a report of what became of each word to standard error.
Exit code 0: converted; 1: a file is not valid; 2: the command line is wrong.`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			load, err := read.options()
			if err != nil {
				return usage(c, err)
			}
			return convertFiles(files, convert.Options{Hostname: load.Hostname, Instance: load.Instance})
		},
	}
	c.Flags().StringVar(&read.hostname, "hostname", "", thisHost)
	idFlag(c, &read.id)
	read.format = "auto"
	return c
}

func convertFiles(files []string, o convert.Options) error {
	result := convert.Files(files, o)
	if result.HCL == nil {
		diagnosed := conf.Result{Files: result.Files, Diags: result.Diags}
		if err := diagnosed.WriteDiagnostics(os.Stderr, terminal(os.Stderr)); err != nil {
			return fmt.Errorf("print diagnostics: %w", err)
		}
		return exit{exitFailure}
	}
	if _, err := os.Stdout.Write(result.HCL); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	if err := result.WriteReport(os.Stderr); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}
