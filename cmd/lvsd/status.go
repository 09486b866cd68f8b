package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lvsd/internal/control"
	"lvsd/internal/director"
)

// Times of the status command: one answer, and from one to the next with --watch.
const (
	statusTimeout = 10 * time.Second
	watchInterval = time.Second
)

func statusCommand() *cobra.Command {
	var asJSON, watch bool
	var dir string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what the running daemon does",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			show := func() error { return status(ctx, c.OutOrStdout(), dir, asJSON) }
			if !watch {
				return show()
			}
			return watchStatus(ctx, c.OutOrStdout(), asJSON, show)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&watch, "watch", false, "show it again every second, until interrupted")
	runDirFlag(c, &dir)
	return c
}

// watchStatus shows the status every second: on a clean screen, or as one JSON document after
// the other.
func watchStatus(ctx context.Context, out io.Writer, asJSON bool, show func() error) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		if !asJSON {
			if _, err := fmt.Fprint(out, "\x1b[H\x1b[2J"); err != nil {
				return fmt.Errorf("print status: %w", err)
			}
		}
		if err := show(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func status(ctx context.Context, out io.Writer, dir string, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	s, err := control.Status(ctx, dir)
	if err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(s); err != nil {
			return fmt.Errorf("print status: %w", err)
		}
		return nil
	}
	return printStatus(out, s, time.Now())
}

// printStatus writes the status for a person.
func printStatus(out io.Writer, s director.Status, now time.Time) error {
	p := printer{out: out, now: now}
	p.line("%s · lvsd %s · up %s · %s", s.Node, s.Version, p.ago(s.Started), s.File)
	if s.IPVSError != "" {
		p.line("! no service works: %s", s.IPVSError)
	}
	if s.NftablesError != "" {
		p.line("! packets are not marked or masqueraded as they should be: %s", s.NftablesError)
	}
	for _, i := range s.Instances {
		p.instance(i)
	}
	if s.Static != nil {
		p.line("\nstatic")
		p.placed(s.Static.Addresses, s.Static.Routing)
	}
	p.trackers(s.Trackers)
	for _, v := range s.Services {
		p.service(v)
	}
	for _, d := range s.SyncDaemons {
		p.line("\nsync daemon %s on %s id %d", d.State, d.Interface, d.ID)
	}
	for _, f := range s.Foreign {
		p.line("\n%s  not lvsd's, left alone", f)
	}
	if p.err != nil {
		return fmt.Errorf("print status: %w", p.err)
	}
	return nil
}

type printer struct {
	out io.Writer
	now time.Time
	err error
}

func (p *printer) line(format string, values ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", values...)
	}
}

func (p *printer) ago(t time.Time) string { return p.now.Sub(t).Round(time.Second).String() }

func (p *printer) instance(i director.InstanceStatus) {
	p.line("")
	version := fmt.Sprintf("VRRPv%d", i.Version)
	if i.Family == "IPv6" {
		version += " over IPv6"
	}
	p.line("%-6s %s  %s vrid %d  %s  priority %d  for %s", i.State, i.Name, i.Interface,
		i.VirtualRouterID, version, i.EffectivePriority, p.ago(i.Since))
	switch {
	case i.Master != "":
		p.line("       master is %s", i.Master)
	case i.Reason != "":
		p.line("       %s", i.Reason)
	}
	p.placed(i.Addresses, i.Routing)
	p.adverts(i.Adverts)
}

// adverts prints the counters of adverts, the refused ones by reason.
func (p *printer) adverts(a director.AdvertStatus) {
	text := ""
	for _, reason := range slices.Sorted(maps.Keys(a.Refused)) {
		text += fmt.Sprintf(", %d refused: %s", a.Refused[reason], reason)
	}
	p.line("       adverts: %d sent, %d heard%s", a.Sent, a.Heard, text)
}

// placed prints what an instance has in the kernel, or what is static.
func (p *printer) placed(addresses []director.AddressStatus, routing *director.RoutingStatus) {
	for _, a := range addresses {
		mark := "-"
		if a.Present {
			mark = "+"
		}
		p.line("       %s %s dev %s", mark, a.Address, a.Dev)
	}
	if routing == nil {
		return
	}
	p.line("       %d of %d routes and rules", routing.Present, routing.Wanted)
	for _, text := range routing.Missing {
		p.line("       - %s", text)
	}
}

func (p *printer) trackers(list []director.TrackerStatus) {
	if len(list) > 0 {
		p.line("")
	}
	for _, t := range list {
		text := fmt.Sprintf("%-7s %s %s  for %s", t.State, t.Kind, t.Name, p.ago(t.Since))
		if t.Value != nil {
			text += fmt.Sprintf(", value %d", *t.Value)
		}
		if t.Error != "" {
			text += ": " + t.Error
		}
		p.line("%s", text)
	}
}

// orders says what an operator said of a server.
func (p *printer) orders(o director.ServerOrders) string {
	text := ""
	if o.OperatorWeight != nil {
		text += fmt.Sprintf("  operator's weight %d", *o.OperatorWeight)
	}
	switch {
	case o.DrainSince == nil:
	case o.Drained:
		text += fmt.Sprintf("  drained, out for %s", p.ago(*o.DrainSince))
	default:
		text += fmt.Sprintf("  draining for %s", p.ago(*o.DrainSince))
		if o.DrainUntil != nil {
			text += fmt.Sprintf(", %s at most", max(0, o.DrainUntil.Sub(p.now).Round(time.Second)))
		}
	}
	if o.OrderedBy != nil {
		text += fmt.Sprintf(" (said user %d)", *o.OrderedBy)
	}
	return text
}

func (p *printer) service(v director.ServiceStatus) {
	healthy := 0
	for _, r := range v.RealServers {
		if r.Healthy && !r.Draining && !r.Drained {
			healthy++
		}
	}
	p.line("")
	p.line("%s  %s %s  %d of %d servers  %d connections", strings.TrimSpace(v.Protocol+" "+v.Address), v.Forwarding, v.Scheduler,
		healthy, len(v.RealServers), v.Connections)
	if !v.InKernel {
		p.line("       not in the kernel")
	}
	if !v.Quorate && v.Quorum > 1 {
		p.line("       the quorum of %d is lost", v.Quorum)
	}
	if s := v.SorryServer; s != nil {
		state := "-"
		if s.Serves {
			state = "+"
		}
		p.line("       %s    %-22s sorry server  active %d  inactive %d", state, s.Address, s.Active, s.Inactive)
	}
	for _, r := range v.RealServers {
		state := "up"
		switch {
		case r.Removed:
			state = "gone"
		case !r.Healthy:
			state = "DOWN"
		}
		p.line("       %-4s %-22s weight %d/%d  active %d  inactive %d%s", state, r.Address, r.EffectiveWeight,
			r.Weight, r.Active, r.Inactive, p.orders(r.ServerOrders))
		for _, c := range r.Checks {
			if c.Error != "" {
				p.line("            %s: %s (%s %s)", c.Check, c.Error, c.State, p.ago(c.Since))
			}
		}
	}
}
