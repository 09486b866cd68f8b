package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lvsd/internal/conf"
	"lvsd/internal/control"
	"lvsd/internal/realserver"
)

// realServerRunDir is not the daemon's: that goes with the daemon.
const realServerRunDir = "/run/lvsd-realserver"

// exitMissing is the exit code of a real server that lacks something.
const exitMissing = 3

// realServerFlags are those of the subcommands of realserver; not each has them all.
type realServerFlags struct {
	read   readFlags
	config []string
	runDir string
}

func realServerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "realserver COMMAND",
		Short: "Set this host up as a real server of a director's configuration",
		Long: `Set this host up as a real server of a director's configuration.

The host finds itself in the file by its own addresses. As a server of DR it takes packets
for the virtual addresses and answers no ARP for them; as one of TUN it takes them out of the
tunnel as well; as one of NAT its default route leads to the V-gate.`,
		DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, list []string) error {
			if len(list) > 0 {
				return usage(c, fmt.Errorf("unknown command %q", list[0]))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return usage(c, errors.New("a command is missing")) },
	}
	c.AddCommand(realServerUp(), realServerDown(), realServerStatus(), realServerUnit())
	return c
}

func realServerUp() *cobra.Command {
	var f realServerFlags
	var force bool
	c := &cobra.Command{
		Use:   "up -c FILE",
		Short: "Set up what is missing, and take down what an earlier file wanted",
		Long: `Set up what the services of FILE need on this host and is missing, and take down what
an earlier "up" set up and FILE does not want. Each step is printed. What the host has
already is left alone, and stays at "down". Nothing lasts beyond the next start of the host:
"lvsd realserver unit" prints a systemd unit that does.
Exit code 0: all is there; 1: the file is not valid, or something failed; 2: the command
line is wrong.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c, true, func(cfg *conf.Config, j realserver.Job) error {
				found, err := j.Up(cfg, force)
				if err != nil {
					return err
				}
				notes(found.Notes)
				return nil
			})
		},
	}
	f.register(c)
	c.Flags().BoolVar(&force, "force", false, "put the default route to the V-gate in front of one that is there already")
	return c
}

func realServerDown() *cobra.Command {
	var f realServerFlags
	c := &cobra.Command{
		Use:   "down [-c FILE]",
		Short: "Take down what \"up\" has set up, and have all as it was before",
		Long: `Take down what "up" has set up: addresses, tunnels and routes go, kernel parameters get
back the values that they had before, unless somebody has changed them since. What that is
"up" has remembered in the run directory. Where nothing is remembered there, what FILE wants is taken
down, apart from kernel parameters.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c, false, func(cfg *conf.Config, j realserver.Job) error { return j.Down(cfg) })
		},
	}
	f.register(c)
	return c
}

func realServerStatus() *cobra.Command {
	var f realServerFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "status -c FILE",
		Short: "Show what the services of a file need on this host, and what of that is missing",
		Long: `Show what the services of FILE need on this host, a line each: with + what is there, with
- what is missing. Nothing is changed.
Exit code 0: all is there; 3: something is missing; 1: the file is not valid, or this host is
no real server there; 2: the command line is wrong.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c, true, func(cfg *conf.Config, j realserver.Job) error {
				s, err := j.Status(cfg)
				if err != nil {
					return err
				}
				if err := printStanding(c.OutOrStdout(), s, asJSON); err != nil {
					return fmt.Errorf("print status: %w", err)
				}
				if !s.Complete() {
					return exit{exitMissing}
				}
				return nil
			})
		},
	}
	f.read.register(c, asNode)
	configFlag(c, &f.config)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func realServerUnit() *cobra.Command {
	var f realServerFlags
	c := &cobra.Command{
		Use:   "unit -c FILE",
		Short: "Print a systemd unit that runs \"up\" at every start of the host",
		Example: `  lvsd realserver unit -c /etc/lvsd/lvsd.hcl > /etc/systemd/system/lvsd-realserver.service
  systemctl daemon-reload
  systemctl enable --now lvsd-realserver`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if len(f.config) == 0 {
				return usage(c, errNoConfig)
			}
			if _, err := f.load(c); err != nil {
				return err
			}
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find the program that is running: %w", err)
			}
			up, down, err := f.arguments(c)
			if err != nil {
				return err
			}
			text, err := realserver.Unit(program, up, down)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.OutOrStdout(), text)
			return err
		},
	}
	f.register(c)
	return c
}

const asNode = "read the file for this node; without it for this host where the file names that, else for a director that it names"

func (f *realServerFlags) register(c *cobra.Command) {
	f.read.register(c, asNode)
	configFlag(c, &f.config)
	c.Flags().StringVar(&f.runDir, "run-dir", realServerRunDir, "directory that remembers what was set up")
}

// with runs fn on this host with the configuration, which is nil where none was named and none is needed. Of
// the commands that change the host one runs at a time, and it reads the file once it has its turn: what is there
// in the end is what the file said last.
func (f *realServerFlags) with(c *cobra.Command, needed bool, fn func(*conf.Config, realserver.Job) error) error {
	if needed && len(f.config) == 0 {
		return usage(c, errNoConfig)
	}
	if _, err := f.read.options(); err != nil {
		return usage(c, err)
	}
	job := realserver.Job{Told: func(s realserver.Step) { fmt.Fprintln(c.OutOrStdout(), s) }}
	if c.Flags().Lookup("run-dir") != nil { // status has none: it changes nothing
		dir, err := control.Claim(f.runDir)
		if errors.Is(err, control.ErrRunning) {
			return fmt.Errorf("another lvsd is at work with %s, so nothing was done; run this again when it has ended", f.runDir)
		}
		if err != nil {
			return err
		}
		defer dir.Release()
		job.StateFile = filepath.Join(f.runDir, "realserver.json")
	}
	cfg, err := f.load(c)
	if err != nil {
		return err
	}
	kernel, err := realserver.Open()
	if err != nil {
		return err
	}
	job.Kernel = kernel
	return errors.Join(fn(cfg, job), kernel.Close())
}

// load reads the configuration, nil where none was named. A file that tells nodes apart and does not name
// this host is read for the first node for which it is valid: the directors' services are the same.
func (f *realServerFlags) load(c *cobra.Command) (*conf.Config, error) {
	if len(f.config) == 0 {
		return nil, nil
	}
	options, err := f.read.options()
	if err != nil {
		return nil, usage(c, err)
	}
	options.Also = f.config[1:]
	nodes := []string{options.Hostname}
	if named := conf.Hostnames(f.config[0], options); f.read.hostname == "" && options.Instance == "" && !slices.Contains(named, options.Hostname) {
		nodes = append(named, nodes...)
	}
	var first *conf.Result
	for _, node := range nodes {
		options.Hostname = node
		r := conf.Load(f.config[0], options)
		if r.Config != nil {
			return r.Config, nil
		}
		if first == nil {
			first = r
		}
	}
	if err := first.WriteDiagnostics(os.Stderr, terminal(os.Stderr)); err != nil {
		return nil, fmt.Errorf("print diagnostics: %w", err)
	}
	fmt.Fprintln(os.Stderr, "lvsd: nothing was done: the configuration is not valid")
	return nil, exit{exitFailure}
}

// arguments are those of up and down for the unit.
func (f *realServerFlags) arguments(c *cobra.Command) (up, down []string, err error) {
	up, down = []string{"realserver", "up"}, []string{"realserver", "down"}
	for _, name := range f.config {
		path, err := filepath.Abs(name)
		if err != nil {
			return nil, nil, fmt.Errorf("find %s: %w", name, err)
		}
		up = append(up, "-c", path)
	}
	for _, name := range []string{"config-format", "hostname", "config-id"} {
		if flag := c.Flags().Lookup(name); flag.Changed {
			up = append(up, "--"+name, flag.Value.String())
		}
	}
	if c.Flags().Changed("run-dir") {
		path, err := filepath.Abs(f.runDir)
		if err != nil {
			return nil, nil, fmt.Errorf("find %s: %w", f.runDir, err)
		}
		up, down = append(up, "--run-dir", path), append(down, "--run-dir", path)
	}
	return up, down, nil
}

// notes tells what a person has to see to.
func notes(list []string) {
	for _, text := range list {
		fmt.Fprintln(os.Stderr, "lvsd: note:", text)
	}
}

// standing is what status --json prints.
type standing struct {
	Servers []serverStanding `json:"servers"`
	Items   []itemStanding   `json:"items"`
	Notes   []string         `json:"notes"`
}

type serverStanding struct {
	Service    string `json:"service"`
	Address    string `json:"address"`
	Forwarding string `json:"forwarding"`
	TunnelType string `json:"tunnel_type,omitempty"`
}

type itemStanding struct {
	Item    string `json:"item"`
	Present bool   `json:"present"`
	Reason  string `json:"reason,omitempty"`
}

func printStanding(out io.Writer, s realserver.Standing, asJSON bool) error {
	if asJSON {
		j := standing{Servers: []serverStanding{}, Items: []itemStanding{}, Notes: append([]string{}, s.Notes...)}
		for _, v := range s.Servers {
			j.Servers = append(j.Servers, serverStanding{v.Service, v.Address.String(), string(v.Forwarding), string(v.Tunnel.Type)})
		}
		for i, item := range s.Items {
			j.Items = append(j.Items, itemStanding{item.String(), s.Lacks[i] == "", s.Lacks[i]})
		}
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(j)
	}
	p := printer{out: out}
	for _, v := range s.Servers {
		p.line("%s is served by %s, %s", v.Service, v.Address, strings.TrimSpace(string(v.Forwarding)+" "+string(v.Tunnel.Type)))
	}
	for i, item := range s.Items {
		if s.Lacks[i] == "" {
			p.line("+ %s", item)
		} else {
			p.line("- %s: %s", item, s.Lacks[i])
		}
	}
	for _, text := range s.Notes {
		p.line("! %s", text)
	}
	return p.err
}
