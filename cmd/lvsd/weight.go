package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"lvsd/internal/director"
)

func weightCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "weight SERVICE SERVER N|reset",
		Short: "Give a real server another weight than the configuration does",
		Long: `Give a real server another weight than the configuration does, 0 to 65535. It takes
the place of the configured one, whatever checks say of that, over reloads and
restarts; "reset" ends it.
` + serverNames,
		Args: serverArgs("N|reset"),
		RunE: func(c *cobra.Command, names []string) error {
			q := director.OrderRequest{Verb: director.ResetWeight, Service: names[0], Server: names[1]}
			if names[2] != "reset" {
				n, err := strconv.ParseUint(names[2], 10, 16)
				if err != nil {
					return usage(c, fmt.Errorf("weight %q: write a number from 0 to 65535, or reset", names[2]))
				}
				q.Verb, q.Weight = director.SetWeight, int(n)
			}
			_, err := order(c, dir, q)
			return err
		},
	}
	runDirFlag(c, &dir)
	return c
}
