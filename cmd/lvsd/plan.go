package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lvsd/internal/conf"
	"lvsd/internal/control"
	"lvsd/internal/director"
)

// exitChanges is the exit code of a plan that is not empty.
const exitChanges = 3

// planTimeout bounds how long the daemon is waited for.
const planTimeout = 90 * time.Second

type planFlags struct {
	read         readFlags
	config       []string
	from, runDir string
	asJSON       bool
}

func planCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "plan -c FILE",
		Short: "Show what a reload with a file would change",
		Long: `Show what a reload of the running daemon with a file would change, and what
follows from it. With --from the file is compared with another one instead, and
nothing of the host is looked at. Nothing is changed either way.
Exit code 0: nothing would change; 3: something would; 1: a file is not valid, or
no daemon answers; 2: the command line is wrong.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case len(f.config) == 0:
				return usage(c, errNoConfig)
			case f.from != "" && c.Flags().Changed("run-dir"):
				return usage(c, errors.New("--from compares two files: leave --run-dir out"))
			}
			load, err := f.read.options()
			if err != nil {
				return usage(c, err)
			}
			if f.from != "" {
				return f.compare(c.OutOrStdout(), load)
			}
			if !c.Flags().Changed("config-format") {
				f.read.format = "" // the daemon's
			}
			return f.ask(c.OutOrStdout())
		},
	}
	configFlag(c, &f.config)
	c.Flags().StringVar(&f.from, "from", "", "compare with this file instead of the running daemon")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	f.read.register(c, thisHost)
	runDirFlag(c, &f.runDir)
	return c
}

// files are the names of the files, for messages.
func (f *planFlags) files() string { return strings.Join(f.config, " ") }

// compare plans from one file to the other.
func (f *planFlags) compare(out io.Writer, load conf.Options) error {
	from := conf.Load(f.from, load)
	if from.Config == nil {
		var text strings.Builder
		if err := from.WriteDiagnostics(&text, terminal(os.Stderr)); err != nil {
			return fmt.Errorf("print diagnostics: %w", err)
		}
		return f.print(out, director.PlanAnswer{Diagnostics: director.Problems(from.Diags), Text: text.String()}, f.from)
	}
	load.Also = f.config[1:]
	answer, err := director.PlanFiles(from.Config, conf.Load(f.config[0], load), terminal(os.Stderr))
	if err != nil {
		return err
	}
	return f.print(out, answer, f.files())
}

// ask has the running daemon make the plan.
func (f *planFlags) ask(out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, planTimeout)
	defer cancel()
	paths := make([]string, len(f.config))
	for i, name := range f.config {
		var err error
		if paths[i], err = filepath.Abs(name); err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		}
	}
	answer, err := control.Plan(ctx, f.runDir, director.PlanRequest{Path: paths[0], Also: paths[1:], Hostname: f.read.hostname,
		ConfigID: f.read.id, Format: f.read.format, Color: terminal(os.Stderr)})
	if errors.Is(err, control.ErrNotRunning) {
		return fmt.Errorf("%w; compare with a file by --from FILE", err)
	}
	if err != nil {
		return err
	}
	return f.print(out, answer, f.files())
}

// print writes the answer, and makes its exit code. file is what is not valid, if it is not.
func (f *planFlags) print(out io.Writer, a director.PlanAnswer, file string) error {
	var err error
	if f.asJSON {
		a.Text = ""
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(a)
	} else {
		fmt.Fprint(os.Stderr, a.Text)
		err = f.printText(out, a, file)
	}
	switch {
	case err != nil:
		return fmt.Errorf("print plan: %w", err)
	case !a.Valid:
		return exit{exitFailure}
	case !a.Plan.Empty():
		return exit{exitChanges}
	}
	return nil
}

func (f *planFlags) printText(out io.Writer, a director.PlanAnswer, file string) error {
	var err error
	switch {
	case !a.Valid:
		_, err = fmt.Fprintf(out, "%s: not valid\n", file)
	case !a.Plan.Empty():
		err = a.Plan.WriteText(out, terminal(os.Stdout))
	case f.from != "":
		_, err = fmt.Fprintf(out, "No changes. %s says what %s does.\n", f.files(), f.from)
	default:
		_, err = fmt.Fprintf(out, "No changes. The running configuration is as %s says.\n", f.files())
	}
	return err
}
