package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lvsd/internal/conf"
)

// readFlags say how configuration files are read.
type readFlags struct {
	format, hostname, id string
}

func (f *readFlags) register(c *cobra.Command, hostname string) {
	c.Flags().StringVar(&f.format, "config-format", "auto", "auto (by the file's name: .hcl is HCL), hcl or keepalived")
	c.Flags().StringVar(&f.hostname, "hostname", "", hostname)
	idFlag(c, &f.id)
}

func idFlag(c *cobra.Command, id *string) {
	c.Flags().StringVarP(id, "config-id", "i", "", "compare the @NAME lines of a keepalived.conf with this instead of the hostname")
}

// options are how a file is read; without --hostname for this host.
func (f *readFlags) options() (conf.Options, error) {
	formats := map[string]conf.Format{"auto": conf.Auto, "hcl": conf.HCL, "keepalived": conf.Keepalived}
	format, ok := formats[f.format]
	if !ok {
		return conf.Options{}, fmt.Errorf("--config-format %q: use auto, hcl or keepalived", f.format)
	}
	o := conf.Options{Hostname: f.hostname, Instance: f.id, Format: format}
	if o.Hostname == "" {
		var err error
		if o.Hostname, err = os.Hostname(); err != nil {
			return conf.Options{}, fmt.Errorf("read this host's name (or give --hostname): %w", err)
		}
	}
	return o, nil
}

const thisHost = "read the file for this node instead of this host"

// configFlag has the files of one configuration: several, and directories, only in HCL.
func configFlag(c *cobra.Command, files *[]string) {
	c.Flags().StringArrayVarP(files, "config", "c", nil, "configuration file, or a directory of HCL files; again for more HCL files of the same configuration")
}

var errNoConfig = errors.New("-c FILE is missing")

func runDirFlag(c *cobra.Command, value *string) {
	c.Flags().StringVar(value, "run-dir", defaultRunDir, "directory of the daemon's socket and state")
}
