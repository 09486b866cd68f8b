package director

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/script"
)

// TestProgramsAreTold: programs are run for what happens, in order, and at the start and the end
// where that is asked for.
func TestProgramsAreTold(t *testing.T) {
	dir := t.TempDir()
	out, path := filepath.Join(dir, "out"), filepath.Join(dir, "told")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\necho \"$@\" >> "+out+"\n"), 0o755))
	told := func(words ...string) conf.Program { return conf.Program{Words: append([]string{path}, words...)} }
	cfg := twoServices()
	a, b := &cfg.Services[0], &cfg.Services[1]
	for i := range a.RealServers {
		r := &a.RealServers[i]
		r.NotifyUp, r.NotifyDown = told("up", r.Address.String()), told("down", r.Address.String())
	}
	a.Quorum, a.QuorumUp, a.QuorumDown, a.Omega = 2, told("gained"), told("lost"), true
	b.QuorumUp, b.QuorumDown = told("b gained"), told("b lost")
	tcp1, ping2 := probe(conf.TCPCheck, 1), probe(conf.PingCheck, 2)

	for _, c := range []struct {
		name string
		init bool
		down [][]check.Spec
		want []string
	}{
		{"the start", false, [][]check.Spec{nil}, []string{"gained"}},
		{"the start with rs_init_notifies", true, [][]check.Spec{nil}, []string{"up 10.0.0.1:80", "up 10.0.0.2:80", "gained"}},
		{"the start without a server", true, [][]check.Spec{{tcp1, ping2}}, nil},
		{"servers come and go", false, [][]check.Spec{nil, {ping2}, {ping2, tcp1}, {tcp1}, nil},
			[]string{"gained", "down 10.0.0.2:80", "lost", "down 10.0.0.1:80", "up 10.0.0.2:80", "up 10.0.0.1:80", "gained"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			must(t, os.RemoveAll(out))
			cfg.LVS.InitNotifies = c.init
			d, logs := silentDirector(cfg)
			d.inbox = newInbox()
			d.programs = script.NewQueue(time.Minute, func(s string, c script.Command, err error) { t.Error(s, c, err) })
			for _, down := range c.down {
				before := d.health
				before.memory = before.memory.in(d.compiled)
				d.health.down = set(down...)
				d.want = desired(d.compiled, d.health)
				if d.health.memory.compiled != nil { // what is down at the start is not lost
					d.health.memory = d.want.memory
					d.noteHealth(before, map[check.Spec]check.Verdict{})
				}
				d.health.memory = d.want.memory
				d.noteQuorum(&before.memory)
			}
			logs.TakeAll()
			finish := func() { d.finishTelling(time.Minute) }
			defer finish()
			if c.name == "servers come and go" {
				d.tellOfTheEnd()
				c.want = append(c.want, "down 10.0.0.1:80", "down 10.0.0.2:80", "lost")
			}
			finish()
			text, err := os.ReadFile(out)
			if err != nil && len(c.want) > 0 {
				t.Fatal(err)
			}
			var got []string // of the first service: the second one is told at the same time
			for line := range strings.Lines(string(text)) {
				if line = strings.TrimSpace(line); !strings.HasPrefix(line, "b ") {
					got = append(got, line)
				}
			}
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestNothingIsToldAfterTheEnd: the wait for programs is bounded.
func TestNothingIsToldAfterTheEnd(t *testing.T) {
	d, _ := silentDirector(twoServices())
	d.inbox = newInbox()
	failed := make(chan error, 2)
	d.programs = script.NewQueue(time.Minute, func(_ string, _ script.Command, err error) { failed <- err })
	d.notify("a", conf.Program{Words: []string{"sleep", "60"}})
	began := time.Now()
	d.finishTelling(50 * time.Millisecond)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := <-failed; err != context.Canceled {
		t.Error(err)
	}
}
