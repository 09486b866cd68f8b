package netif

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// applySysctls writes the parameters that differ from what is wanted.
func (l *loop) applySysctls() {
	now := time.Now()
	l.sysctls.only(l.want.Sysctls, now)
	for _, s := range l.want.Sysctls {
		if !l.sysctls.ready(s, now) {
			continue
		}
		was, write, err := l.applySysctl(s)
		switch {
		case err == nil:
			l.sysctls.done(s, now, false)
			if write != "" {
				l.say(SysctlSet{Sysctl: Sysctl{s.Name, write}, Was: was})
			}
		case l.sysctls.failed(s, now, err):
			l.say(SysctlFailed{Sysctl: s, Err: err})
		}
	}
}

func (l *loop) applySysctl(s Sysctl) (was, write string, err error) {
	was, err = l.kernel.Sysctl(s.Name)
	if err != nil {
		return "", "", fmt.Errorf("read sysctl %s: %w", s.Name, err)
	}
	write, err = s.missing(was)
	if err != nil || write == "" {
		return was, "", err
	}
	if err := l.kernel.SetSysctl(s.Name, write); err != nil {
		return was, "", fmt.Errorf("set sysctl %s = %s: %w", s.Name, write, err)
	}
	return was, write, nil
}

// pingGroupRange is the range of groups that may ping without privileges, icmp(7).
const pingGroupRange = "net.ipv4.ping_group_range"

// missing returns what to write where a parameter reads was; empty if it is as wanted.
func (s Sysctl) missing(was string) (write string, err error) {
	if s.Name == pingGroupRange {
		return widen(was, s.Value)
	}
	if slices.Equal(strings.Fields(was), strings.Fields(s.Value)) {
		return "", nil
	}
	return s.Value, nil
}

// widen returns the smallest range that covers both, empty if was does already. A range whose
// end is before its start is empty: the kernel's default "1 0".
func widen(was, want string) (string, error) {
	lo, hi, err := groupRange(want)
	if err != nil {
		return "", err
	}
	wasLo, wasHi, err := groupRange(was)
	if err != nil {
		return "", err
	}
	if lo > hi || wasLo <= lo && hi <= wasHi {
		return "", nil
	}
	if wasLo <= wasHi {
		lo, hi = min(lo, wasLo), max(hi, wasHi)
	}
	return fmt.Sprintf("%d %d", lo, hi), nil
}

func groupRange(s string) (lo, hi uint64, err error) {
	f := strings.Fields(s)
	if len(f) != 2 {
		return 0, 0, fmt.Errorf("%s %q: not two group ids", pingGroupRange, s)
	}
	if lo, err = strconv.ParseUint(f[0], 10, 32); err == nil {
		hi, err = strconv.ParseUint(f[1], 10, 32)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%s %q: %w", pingGroupRange, s, err)
	}
	return lo, hi, nil
}

// sysctlPath gives the file of a parameter below /proc/sys/ the way sysctl(8) does: dots
// separate, and a slash stands for a dot inside a name.
func sysctlPath(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, name)
}
