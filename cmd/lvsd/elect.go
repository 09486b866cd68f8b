package main

import (
	"errors"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lvsd/internal/elector"
)

// electorDescriptor is that of the connection to the daemon.
const electorDescriptor = 3

// electCommand is how the daemon starts the process of its election; it is not for people.
func electCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "elect",
		Short:  "Be the process of a daemon that elects and holds addresses",
		Hidden: true,
		Args:   args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			// A terminal and a supervisor signal the daemon's whole group: it is the daemon that decides.
			signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGQUIT, unix.SIGPIPE)
			if _, err := unix.FcntlInt(electorDescriptor, unix.F_GETFD, 0); err != nil {
				return usage(c, errors.New("lvsd run starts it, and gives it a connection"))
			}
			return elector.Serve(os.NewFile(electorDescriptor, "director"))
		},
	}
}
