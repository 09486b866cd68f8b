package main

import (
	"github.com/spf13/cobra"

	"lvsd/internal/ipvs"
)

const askName = "ask-ftp"

// askCommand is how the daemon asks the kernel for its helper for FTP, in a process that it can kill; it is not for people.
func askCommand() *cobra.Command {
	return &cobra.Command{
		Use:    askName,
		Short:  "Ask the kernel to load ip_vs_ftp",
		Hidden: true,
		Args:   args(cobra.NoArgs),
		RunE:   func(*cobra.Command, []string) error { return ipvs.AskForFTP() },
	}
}
