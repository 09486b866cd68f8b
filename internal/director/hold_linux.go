package director

import (
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"lvsd/internal/conf"
)

// startAfter is when instances may start on a node that runs since started.
func startAfter(cfg *conf.Config, started time.Time) time.Time {
	until := started.Add(cfg.StartupDelay)
	if cfg.DelayAfterBoot == 0 {
		return until
	}
	if after := booted().Add(cfg.DelayAfterBoot); after.After(until) {
		return after
	}
	return until
}

// booted is when the machine started, time that it was suspended included (clock_gettime(2)). It is
// long ago where the kernel does not tell.
func booted() time.Time {
	var since unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &since); err != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(since.Nano()))
}

// hold is how long the instances have to wait before the configuration wants them to start.
func (d *Director) hold() time.Duration {
	until := startAfter(d.cfg, d.started)
	wait := max(0, time.Until(until))
	if wait > 0 {
		d.journal.event(ElectionHeld, zap.Time("until", until))
	}
	return wait
}
