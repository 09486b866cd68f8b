package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/control"
	"lvsd/internal/director"
)

const defaultRunDir = "/run/lvsd"

// logPatience is how long the end waits for a reader of the log.
const logPatience = time.Second

type runFlags struct {
	read                        readFlags
	config                      []string
	runDir, logFormat, logLevel string
}

func runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Run the daemon in the foreground; SIGHUP reloads, SIGTERM stops in order",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if len(f.config) == 0 {
				return usage(c, errNoConfig)
			}
			return f.run(c)
		},
	}
	configFlag(c, &f.config)
	f.read.register(c, thisHost)
	runDirFlag(c, &f.runDir)
	logFlags(c, &f.logFormat, &f.logLevel)
	return c
}

func logFlags(c *cobra.Command, format, level *string) {
	c.Flags().StringVar(format, "log-format", "auto", "auto, json or console")
	c.Flags().StringVar(level, "log-level", "info", "debug, info, warn or error")
}

func (f *runFlags) run(c *cobra.Command) error {
	// First of all: a signal that comes while a large file is read must not end the daemon.
	came := make(chan os.Signal, 8)
	signal.Notify(came, unix.SIGHUP, unix.SIGTERM, unix.SIGINT, unix.SIGQUIT)
	defer signal.Stop(came)
	// Standard error may be a pipe whose reader ends: a line that is lost must not end the daemon.
	signal.Ignore(unix.SIGPIPE)

	if os.Getenv("GOGC") == "" {
		// What lvsd keeps is many times what it throws away in a second, so that collecting more often
		// costs little: 0.3 % of a core beside 5,000 HTTP checks a second, for 8 MB less.
		debug.SetGCPercent(30)
	}
	out := newQueue(os.Stderr)
	defer out.Close(logPatience)
	log, err := newLog(f.logFormat, f.logLevel, out)
	if err != nil {
		return usage(c, err)
	}
	load, err := f.read.options()
	if err != nil {
		return usage(c, err)
	}
	load.Also = f.config[1:]
	cfg, seal, err := f.load(load)
	if err != nil {
		return err
	}
	dir, err := control.Claim(f.runDir)
	if err != nil {
		return err
	}
	defer dir.Release()

	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program that is running: %w", err)
	}
	d, err := director.New(director.Options{Path: f.config[0], Load: load, Seal: seal, RunDir: f.runDir,
		Version: buildVersion(), Elector: []string{program, "elect", "--log-format", f.logFormat, "--log-level", f.logLevel},
		Asker: []string{program, askName}, Processors: runOn, Log: log, LinesLost: out.Lost}, cfg)
	if err != nil {
		return err
	}
	server, err := dir.Listen(d)
	if err != nil {
		return err
	}
	defer server.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	go obey(ctx, came, d)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	select {
	case err = <-ended:
	case err = <-served:
		d.Stop()
		err = errors.Join(err, <-ended)
	}
	return err
}

// runOn has this process run on several processors, or on one, unless its environment says on how many.
func runOn(several bool) {
	switch {
	case os.Getenv("GOMAXPROCS") != "":
	case several:
		runtime.SetDefaultGOMAXPROCS()
	default:
		runtime.GOMAXPROCS(1)
	}
}

// load reads the configuration. It returns that alone: the daemon has no use for the text.
func (f *runFlags) load(o conf.Options) (*conf.Config, conf.Seal, error) {
	result := conf.Load(f.config[0], o)
	if err := result.WriteDiagnostics(os.Stderr, terminal(os.Stderr)); err != nil {
		return nil, conf.Seal{}, fmt.Errorf("print diagnostics: %w", err)
	}
	if result.Config == nil {
		fmt.Fprintln(os.Stderr, "lvsd: not started: the configuration is not valid")
		return nil, conf.Seal{}, exit{exitFailure}
	}
	return result.Config, result.Seal, nil
}

// obey makes SIGHUP a reload, and SIGTERM, SIGINT and SIGQUIT a stop. A stop takes a few seconds at most,
// so a second signal does not cut it short: that would leave the addresses on this node while
// another takes them.
func obey(ctx context.Context, came <-chan os.Signal, d *director.Director) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-came:
			if s == unix.SIGHUP {
				d.Reload()
			} else {
				d.Stop()
			}
		}
	}
}
