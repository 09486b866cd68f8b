package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// clock prints lines with the time since it was started.
type clock struct{ start time.Time }

func (c clock) say(format string, values ...any) {
	fmt.Printf("%6.1f s  %s\n", time.Since(c.start).Seconds(), fmt.Sprintf(format, values...))
}

func since(from, to time.Time) string { return to.Sub(from).Round(10 * time.Millisecond).String() }

func contains(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Addr() == addr })
}
