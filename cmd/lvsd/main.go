// lvsd elects a master among a pair of LVS directors, moves their addresses, programs the
// kernel's IPVS and checks the real servers. See README.md.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = ""

// Exit codes of every subcommand.
const (
	exitFailure = 1
	exitUsage   = 2
)

// exit is an error whose text, if any, was printed already.
type exit struct{ code int }

func (e exit) Error() string { return fmt.Sprintf("exit code %d", e.code) }

func main() { os.Exit(run(os.Args[1:])) }

func run(list []string) int {
	root := &cobra.Command{
		Use:                   "lvsd COMMAND",
		DisableFlagsInUseLine: true,
		Short:                 "LVS director: VRRP, virtual addresses, IPVS and health checks in one daemon",
		SilenceUsage:          true,
		SilenceErrors:         true,
		CompletionOptions:     cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args: func(c *cobra.Command, list []string) error {
			if len(list) > 0 {
				return usage(c, fmt.Errorf("unknown command %q", list[0]))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return usage(c, errors.New("a command is missing")) },
	}
	root.SetFlagErrorFunc(usage)
	root.AddCommand(runCommand(), checkCommand(), convertCommand(), fmtCommand(), planCommand(), statusCommand(), drainCommand(), undrainCommand(), weightCommand(),
		realServerCommand(), versionCommand(), electCommand(), askCommand())
	root.SetArgs(list)
	err := root.Execute()
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return code.code
	}
	fmt.Fprintln(os.Stderr, "lvsd:", err)
	return exitFailure
}

// usage prints what is wrong with a command line, and where its rules are.
func usage(c *cobra.Command, err error) error {
	fmt.Fprintf(os.Stderr, "lvsd: %v\nusage: %s\nSee \"%s --help\".\n", err, c.UseLine(), c.CommandPath())
	return exit{exitUsage}
}

// args makes a wrong number of arguments a usage error.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, list []string) error {
		switch err := check(c, list); {
		case err == nil:
			return nil
		case len(list) == 0:
			return usage(c, errors.New("FILE is missing"))
		default:
			return usage(c, fmt.Errorf("unexpected argument %q", list[0]))
		}
	}
}

// buildVersion is the linker's version, or the module's for a binary of "go install".
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
