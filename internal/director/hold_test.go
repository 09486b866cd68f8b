package director

import (
	"testing"
	"time"

	"lvsd/internal/conf"
)

// The start is held back by what the configuration says of lvsd's own start and of the machine's,
// whichever is later, and a reload afterwards holds nothing.
func TestStartIsHeldBack(t *testing.T) {
	n := startNode(t, "global_defs {\n  vrrp_startup_delay = \"1h\"\n}\n"+instance("192.0.2.1/24"))
	e := n.wait(t, ElectionHeld)
	until, ok := e.fields["until"].(time.Time)
	if !ok || !until.After(time.Now().Add(59*time.Minute)) || until.After(time.Now().Add(time.Hour)) {
		t.Errorf("until %v", e.fields["until"])
	}
	up := time.Since(booted())
	if up <= 0 {
		t.Fatalf("the machine is up for %v", up)
	}
	for _, c := range []struct {
		startup, boot time.Duration
		held          time.Duration // about; 0 for not at all
	}{
		{0, 0, 0},
		{0, up - time.Second, 0},
		{0, up + time.Hour, time.Hour},
		{time.Hour, up + 30*time.Minute, time.Hour},
		{time.Minute, up + 30*time.Minute, 30 * time.Minute},
	} {
		cfg := &conf.Config{StartupDelay: c.startup, DelayAfterBoot: c.boot}
		until := startAfter(cfg, time.Now())
		if held := time.Until(until); max(held, 0) > c.held || held < c.held-time.Minute {
			t.Errorf("%v after the start, %v after the boot: held for %v, want %v", c.startup, c.boot, held, c.held)
		}
	}
}
