package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"lvsd/internal/control"
	"lvsd/internal/director"
)

const (
	// drainPoll is how often drain --wait looks.
	drainPoll = time.Second
	// drainGrace is how much longer than a drain may take its end is waited for.
	drainGrace = 10 * time.Second
)

func drainCommand() *cobra.Command {
	var dir string
	var limit time.Duration
	var wait waitFlag
	c := &cobra.Command{
		Use:   "drain SERVICE SERVER",
		Short: "Take a real server out, and let it finish its connections",
		Long: `Take a real server out, and let it finish its connections: it has the weight 0 at
once, and leaves the kernel when it has no connection, or when its time is over. It
stays out until "lvsd undrain", over reloads and restarts.
` + serverNames,
		Args: serverArgs(),
		RunE: func(c *cobra.Command, names []string) error {
			q := director.OrderRequest{Verb: director.Drain, Service: names[0], Server: names[1]}
			if c.Flags().Changed("timeout") {
				seconds := limit.Seconds()
				q.Timeout = &seconds
			}
			if limit < 0 {
				return usage(c, fmt.Errorf("--timeout %s: it is 0 or more", limit))
			}
			a, err := order(c, dir, q)
			if err != nil || !wait.set {
				return err
			}
			return awaitDrained(c, dir, a, wait.limit)
		},
	}
	c.Flags().DurationVar(&limit, "timeout", 0, "how long connections may take, as 90s or 5m; 0 cuts them (default drain_timeout of the service, or as long as they take)")
	c.Flags().Var(&wait, "wait", "wait until the server is drained; with a time, for that time at most")
	c.Flags().Lookup("wait").NoOptDefVal = forItsTime
	runDirFlag(c, &dir)
	return c
}

// waitFlag is --wait, or --wait=5m.
type waitFlag struct {
	set   bool
	limit time.Duration // 0 for as long as the drain takes
}

// forItsTime is the value of a --wait without one.
const forItsTime = "to its end"

// String implements pflag.Value.
func (w *waitFlag) String() string { return "" }

// Type implements pflag.Value.
func (w *waitFlag) Type() string { return "duration" }

// Set implements pflag.Value.
func (w *waitFlag) Set(text string) error {
	w.set = true
	if text == forItsTime {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("it is more than 0")
	}
	w.limit = d
	return err
}

// awaitDrained waits until no server of an answer finishes its connections any more. Without a limit it
// waits a little longer than the drains may take, and for ever where they may take as long as they need.
func awaitDrained(c *cobra.Command, dir string, a director.OrderAnswer, limit time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if limit == 0 {
		limit = longestDrain(a, time.Now())
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	left := a.Servers
	for {
		if left = draining(left); len(left) == 0 {
			return printLine(c.OutOrStdout(), "drained")
		}
		select {
		case <-ctx.Done():
			s := left[0]
			return fmt.Errorf("stopped waiting: %s of %s still drains%s; the drain goes on", s.Address, s.Service, connectionsText(s))
		case <-tick.C:
		}
		status, err := control.Status(ctx, dir)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil {
			left = looked(left, status)
		}
	}
}

// longestDrain is when the last drain has to be over, with some grace; 0 where one has no such time.
func longestDrain(a director.OrderAnswer, now time.Time) time.Duration {
	var longest time.Duration
	for _, s := range draining(a.Servers) {
		if s.DrainUntil == nil {
			return 0
		}
		longest = max(longest, s.DrainUntil.Sub(now))
	}
	return longest + drainGrace
}

// draining are those that still do.
func draining(list []director.OrderedServer) []director.OrderedServer {
	var left []director.OrderedServer
	for _, s := range list {
		if s.Draining {
			left = append(left, s)
		}
	}
	return left
}

// looked are the same servers as a status shows them. One that it does not show has gone with the
// configuration.
func looked(list []director.OrderedServer, status director.Status) []director.OrderedServer {
	type name struct {
		service string
		address netip.AddrPort
	}
	shown := map[name]director.RealServerStatus{}
	for _, v := range status.Services {
		for _, r := range v.RealServers {
			shown[name{v.Name, r.Address}] = r
		}
	}
	var now []director.OrderedServer
	for _, s := range list {
		r := shown[name{s.Service, s.Address}]
		s.ServerOrders, s.Active, s.Inactive, s.Persistent = r.ServerOrders, r.Active, r.Inactive, r.Persistent
		now = append(now, s)
	}
	return now
}
