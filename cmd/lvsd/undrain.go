package main

import (
	"github.com/spf13/cobra"

	"lvsd/internal/director"
)

func undrainCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "undrain SERVICE SERVER",
		Short: "Give a real server that was drained connections again",
		Long: `Give a real server that was drained connections again, as its checks let it. A
weight that "lvsd weight" gave it stands.
` + serverNames,
		Args: serverArgs(),
		RunE: func(c *cobra.Command, names []string) error {
			_, err := order(c, dir, director.OrderRequest{Verb: director.Undrain, Service: names[0], Server: names[1]})
			return err
		},
	}
	runDirFlag(c, &dir)
	return c
}
