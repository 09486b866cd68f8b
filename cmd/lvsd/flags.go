package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lvsd/internal/conf"
)

func formatFlag(c *cobra.Command, value *string) {
	c.Flags().StringVar(value, "config-format", "auto", "auto (by the file's name: .hcl is HCL), hcl or keepalived")
}

func hostnameFlag(c *cobra.Command, value *string) {
	c.Flags().StringVar(value, "hostname", "", "read the file for this node instead of this host")
}

func runDirFlag(c *cobra.Command, value *string) {
	c.Flags().StringVar(value, "run-dir", defaultRunDir, "directory of the daemon's socket and state")
}

// loadOptions are how a file is read; an empty hostname is this host's.
func loadOptions(format, hostname string) (conf.Options, error) {
	formats := map[string]conf.Format{"auto": conf.Auto, "hcl": conf.HCL, "keepalived": conf.Keepalived}
	f, ok := formats[format]
	if !ok {
		return conf.Options{}, fmt.Errorf("--config-format %q: use auto, hcl or keepalived", format)
	}
	if hostname == "" {
		var err error
		if hostname, err = os.Hostname(); err != nil {
			return conf.Options{}, fmt.Errorf("read this host's name (or give --hostname): %w", err)
		}
	}
	return conf.Options{Hostname: hostname, Format: f}, nil
}
