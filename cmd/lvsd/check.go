package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"lvsd/internal/conf"
	"lvsd/internal/director"
)

func checkCommand() *cobra.Command {
	var read readFlags
	var asJSON, together bool
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Validate configuration files without touching the host",
		Long: `Validate configuration files without touching the host.

A file that tells nodes apart (by hostname, or @ lines) is checked for every node that it
names; --hostname checks it for one. A directory stands for the HCL files in it, which are one
configuration.

Exit code 0: all are valid; 1: one is not; 2: the command line is wrong.`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			load, err := read.options()
			if err != nil {
				return usage(c, err)
			}
			if together {
				load.Also, files = files[1:], files[:1]
			}
			return check(files, load, read.hostname, asJSON)
		},
	}
	read.register(c, "check the files for this node, not for every one that they name")
	c.Flags().BoolVar(&together, "together", false, "the files are one configuration, as for lvsd run with several -c")
	c.Flags().BoolVar(&asJSON, "json", false, "print the problems as JSON on standard output")
	return c
}

// anyNode is the hostname under which a file is checked that names no node: the answer must not
// depend on the host that asks.
const anyNode = "localhost"

func check(files []string, load conf.Options, hostname string, asJSON bool) error {
	valid, found := true, []director.Problem{}
	for _, file := range files {
		name := strings.Join(append([]string{file}, load.Also...), " ")
		nodes := []string{cmp.Or(hostname, anyNode)}
		if hostname == "" && load.Instance == "" {
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
				for _, p := range director.Problems(result.Diags) {
					if len(nodes) > 1 {
						p.Node = node
					}
					found = append(found, p)
				}
				continue
			}
			if len(nodes) > 1 && len(result.Diags) > 0 {
				fmt.Fprintf(os.Stderr, "%s, for the node %s:\n", name, node)
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
		if _, err := fmt.Printf("%s: %s\n", name, verdict); err != nil {
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
	Valid       bool               `json:"valid"`
	Diagnostics []director.Problem `json:"diagnostics"`
}
