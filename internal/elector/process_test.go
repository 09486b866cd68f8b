package elector

import (
	"bytes"
	"encoding/gob"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"lvsd/internal/netif"
)

// On one processor the child's garbage is collected in one go, whatever else its runtime is told.
func TestEnvironment(t *testing.T) {
	for _, c := range []struct {
		env        []string
		processors int
		want       string
	}{
		{[]string{"A=1", "GODEBUG=a=1"}, 2, "a=1"},
		{[]string{"A=1"}, 2, ""},
		{[]string{"A=1"}, 1, "gcstoptheworld=2"},
		{[]string{"GODEBUG=", "A=1"}, 1, "gcstoptheworld=2"},
		{[]string{"GODEBUG=a=1,b=2", "A=1"}, 1, "a=1,b=2,gcstoptheworld=2"},
	} {
		cmd := exec.Command("none")
		cmd.Env = environment(c.env, c.processors)
		got := ""
		for _, v := range cmd.Environ() {
			if value, is := strings.CutPrefix(v, "GODEBUG="); is {
				got = value
			}
		}
		if got != c.want || !slices.Contains(cmd.Environ(), "A=1") {
			t.Errorf("%q on %d processors: %q, want GODEBUG %q", c.env, c.processors, cmd.Environ(), c.want)
		}
	}
}

// Answers that nobody waited for, as after a stall of the child, keep no report back.
func TestLateAnswersHoldUpNothing(t *testing.T) {
	reported := 0
	p := NewProcess(Options{Report: func(Report) { reported++ }}, "none")
	var wire bytes.Buffer
	encoder := gob.NewEncoder(&wire)
	for _, a := range []answer{
		{Present: &Presence{Kernel: map[string]netif.Presence{"first": {}}}},
		{Present: &Presence{Kernel: map[string]netif.Presence{"second": {}}}},
		{Report: netif.Applied{Generation: 1}},
		{Ended: true},
	} {
		if err := encoder.Encode(&a); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.read(&wire); err != nil || reported != 1 {
		t.Errorf("%d reports, %v", reported, err)
	}
	if _, newest := (<-p.present).Kernel["second"]; !newest {
		t.Error("the answer left is not the newest")
	}
}
