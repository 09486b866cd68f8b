package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lvsd/internal/control"
	"lvsd/internal/director"
)

// orderTimeout bounds how long the daemon is waited for.
const orderTimeout = 10 * time.Second

// serverArgs wants the names of a service and a server, and what else.
func serverArgs(names ...string) cobra.PositionalArgs {
	names = append([]string{"SERVICE", "SERVER"}, names...)
	return func(c *cobra.Command, list []string) error {
		switch {
		case len(list) < len(names):
			return usage(c, fmt.Errorf("%s is missing", names[len(list)]))
		case len(list) > len(names):
			return usage(c, fmt.Errorf("unexpected argument %q", list[len(names)]))
		}
		return nil
	}
}

// serverNames says in a command's help how its arguments are written.
const serverNames = `
SERVICE is a virtual server, as 192.168.2.11:80, 192.168.2.11:80/udp, "fwmark 100", "group web" or
as events name it; "*" stands for all. SERVER is the address of a real server, with its port where
that is needed to tell it from another.

Exit code 0: done; 1: refused, or no daemon answers; 2: the command line is wrong.`

// order has the daemon do what the operator says, and tells what that came to.
func order(c *cobra.Command, dir string, q director.OrderRequest) (director.OrderAnswer, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	a, err := control.Order(ctx, dir, q)
	if err != nil {
		if errors.Is(err, control.ErrRefused) {
			err = fmt.Errorf("%s: %w", strings.ReplaceAll(string(q.Verb), "_", " "), err)
		}
		return a, err
	}
	for _, s := range a.Servers {
		if _, err := fmt.Fprintln(c.OutOrStdout(), orderText(q.Verb, s, time.Now())); err != nil {
			return a, fmt.Errorf("print answer: %w", err)
		}
	}
	for _, w := range a.Warnings {
		if _, err := fmt.Fprintln(c.ErrOrStderr(), "lvsd: warning:", w); err != nil {
			return a, fmt.Errorf("print answer: %w", err)
		}
	}
	return a, nil
}

// orderText says what became of one server.
func orderText(verb director.Verb, s director.OrderedServer, now time.Time) string {
	text := fmt.Sprintf("%s of %s: ", s.Address, s.Service)
	already := func(now, was string) string {
		if s.Changed {
			return now
		}
		return was
	}
	health := ""
	if !s.Healthy {
		health = "; its checks fail, and it stays out until they do not"
	}
	switch {
	case verb == director.Drain && s.Drained:
		return text + already("has no connections to finish: drained", "was drained already") + ", out until lvsd undrain"
	case verb == director.Drain:
		text += already("gets no new connections", "drains already") + connectionsText(s)
		if s.DrainUntil != nil {
			return text + fmt.Sprintf("; it leaves the kernel when they are over, in %s at the latest", max(0, s.DrainUntil.Sub(now).Round(time.Second)))
		}
		return text + "; it leaves the kernel when they are over"
	case verb == director.Undrain && s.Healthy:
		return text + already("gets connections again", "was not drained") + fmt.Sprintf(", weight %d", s.EffectiveWeight)
	case verb == director.Undrain:
		return text + already("is drained no more", "was not drained") + health
	case verb == director.SetWeight:
		text += already(fmt.Sprintf("has the weight %d", *s.OperatorWeight), fmt.Sprintf("had the weight %d already", *s.OperatorWeight))
	default:
		text += already("has its own weight again", "had its own weight already")
	}
	switch {
	case s.Draining || s.Drained:
		return text + "; it is drained, and has 0 until lvsd undrain"
	case health != "":
		return text + health
	}
	return text + fmt.Sprintf(" (%d in the kernel now)", s.EffectiveWeight)
}

// connectionsText says what a server has to finish.
func connectionsText(s director.OrderedServer) string {
	text := fmt.Sprintf(" (%d active, %d inactive", s.Active, s.Inactive)
	if s.Persistent > 0 {
		text += fmt.Sprintf(", %d clients that are to stay with it", s.Persistent)
	}
	return text + ")"
}

// printLine writes one line of an answer.
func printLine(out io.Writer, format string, values ...any) error {
	if _, err := fmt.Fprintf(out, format+"\n", values...); err != nil {
		return fmt.Errorf("print answer: %w", err)
	}
	return nil
}
