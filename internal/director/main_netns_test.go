//go:build netns

package director

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
	"lvsd/internal/elector"
)

// nodeVar names the configuration of a node that this binary is instead of testing; its name is
// the node's.
const nodeVar = "LVSD_TEST_NODE"

func TestMain(m *testing.M) {
	if file := os.Getenv(nodeVar); file != "" {
		be := func() error { return beNode(file) }
		if len(os.Args) == 2 && os.Args[1] == "elect" {
			be = func() error {
				return elector.Serve(os.NewFile(3, "director"), func(d time.Duration) { TellSilence(nodeLog(os.Stderr), d) })
			}
		}
		if err := be(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// nodeSilence is above what a busy machine may keep a process waiting.
const nodeSilence = 5 * time.Second

// nodeLog writes lines of JSON.
func nodeLog(out *os.File) *zap.Logger {
	fields := zap.NewProductionEncoderConfig()
	fields.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(fields), zapcore.Lock(out), zapcore.DebugLevel))
}

// beNode runs a director as the daemon would, which logs to standard output.
func beNode(file string) error {
	load := conf.Options{Hostname: filepath.Base(filepath.Dir(file)), Format: conf.HCL}
	r := conf.Load(file, load)
	if r.Config == nil {
		return r.Diags
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	d, err := New(Options{Path: file, Load: load, RunDir: filepath.Dir(file), Version: "test", Elector: []string{program, "elect"},
		Silence: nodeSilence, Log: nodeLog(os.Stdout)}, r.Config)
	if err != nil {
		return err
	}
	came := make(chan os.Signal, 8)
	signal.Notify(came, unix.SIGHUP, unix.SIGTERM)
	go func() {
		for s := range came {
			if s == unix.SIGHUP {
				d.Reload()
			} else {
				d.Stop()
			}
		}
	}()
	return d.Run(context.Background())
}
