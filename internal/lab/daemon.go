package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// BinaryVariable names the environment variable with the path of the lvsd to run.
const BinaryVariable = "LVSD_BIN"

// Daemon is an lvsd that runs on a host.
type Daemon struct{ *Process }

// Event is a line of an lvsd's log.
type Event struct {
	At     time.Time // as the daemon has it: all hosts of a lab have one clock
	Name   string
	Fields map[string]any
}

// Lvsd starts lvsd on the host with a configuration file; its run directory is the host's /run/lvsd.
func (h *Host) Lvsd(config string) (*Daemon, error) {
	binary := os.Getenv(BinaryVariable)
	if binary == "" {
		return nil, errors.New(BinaryVariable + " does not name an lvsd to run; make demo and make test-vm set it")
	}
	p, err := h.Start(nil, binary, "run", "-c", config, "--log-format", "json")
	if err != nil {
		return nil, err
	}
	return &Daemon{p}, nil
}

// Reload sends SIGHUP.
func (d *Daemon) Reload() error { return d.Signal(syscall.SIGHUP) }

// Stop sends SIGTERM and waits for the end.
func (d *Daemon) Stop(ctx context.Context) error {
	if err := d.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return d.Wait(ctx)
}

// Event waits for the first event of that name since a moment whose fields contain the given texts ("to", "MASTER", …).
func (d *Daemon) Event(ctx context.Context, since time.Time, name string, fields ...string) (Event, error) {
	var found Event
	_, err := d.WaitFor(ctx, since, func(line string) bool {
		e, ok := parseEvent(line)
		if !ok || e.Name != name {
			return false
		}
		for i := 0; i+1 < len(fields); i += 2 {
			if !strings.Contains(fmt.Sprint(e.Fields[fields[i]]), fields[i+1]) {
				return false
			}
		}
		found = e
		return true
	})
	if err != nil {
		return Event{}, fmt.Errorf("event %s %s: %w", name, strings.Join(fields, " "), err)
	}
	return found, nil
}

// Events returns the events of that name since a moment.
func (d *Daemon) Events(since time.Time, name string) []Event {
	var list []Event
	for _, l := range d.Lines() {
		if e, ok := parseEvent(l.Text); ok && e.Name == name && !l.At.Before(since) {
			list = append(list, e)
		}
	}
	return list
}

// parseEvent reads a line of the log; what is not one (a diagnostic, say) is no event.
func parseEvent(line string) (Event, bool) {
	var e Event
	if json.Unmarshal([]byte(line), &e.Fields) != nil {
		return e, false
	}
	e.Name, _ = e.Fields["event"].(string)
	stamp, _ := e.Fields["time"].(string)
	at, err := time.Parse(time.RFC3339Nano, stamp)
	e.At = at
	return e, err == nil && e.Name != ""
}
