package main

import (
	"errors"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lvsd/internal/director"
	"lvsd/internal/elector"
)

// electorDescriptor is that of the connection to the daemon.
const electorDescriptor = 3

// electCommand is how the daemon starts the process of its election; it is not for people.
func electCommand() *cobra.Command {
	var format, level string
	c := &cobra.Command{
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
			out := newQueue(os.Stderr)
			defer out.Close(logPatience)
			log, err := newLog(format, level, out)
			if err != nil {
				return usage(c, err)
			}
			return elector.Serve(os.NewFile(electorDescriptor, "director"),
				func(silent time.Duration) { director.TellSilence(log, silent) })
		},
	}
	logFlags(c, &format, &level)
	return c
}
