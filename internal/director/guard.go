package director

import (
	"net/netip"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/conf"
)

// guardTargets is how many targets there have to be for their failing together to mean something.
const guardTargets = 10

// suspicion is that it is our own uplink that fails, and not the servers behind it.
type suspicion struct {
	since time.Time           // the zero value is that there is none
	held  map[check.Spec]bool // the checks whose failing does not count meanwhile
	fails int                 // how many of how many targets fail
	of    int
	next  time.Time // when checks are no longer held of themselves; the zero value for never
}

// guardSpec is the check of the address that tells an uplink that fails from servers that do. The
// second result is false where there is none.
func guardSpec(cfg *conf.Config) (check.Spec, bool) {
	g := cfg.UplinkGuard
	return check.Spec{Kind: check.ICMP, Addr: netip.AddrPortFrom(g.Address, 0),
		Detail: check.NewDetail(check.Socket{Interface: g.Interface}, nil),
		Timing: check.Timing{Interval: time.Second, Timeout: time.Second, Warmup: time.Second, Rise: 1}}, g.Address.IsValid()
}

// suspect tells whether our own uplink is to be suspected: more than half of the targets failed
// within the time in which a failing one is found, and the guard's address is silent too. It is over
// when that answers again; what was held is then given that time to come back.
func suspect(cfg *conf.Config, verdicts map[check.Spec]check.Verdict, before suspicion, now time.Time) suspicion {
	guard, guarded := guardSpec(cfg)
	if !guarded {
		return suspicion{}
	}
	gate := verdicts[guard]
	silent := gate.Known && !gate.Healthy
	s := suspicion{since: before.since, held: map[check.Spec]bool{}}
	for spec, v := range verdicts {
		if spec == guard || !v.Known || !spec.Addr.IsValid() {
			continue
		}
		fresh := !v.Healthy && (before.held[spec] || now.Sub(v.Since) <= detection(spec))
		if v.Healthy || fresh {
			s.of++
		}
		if fresh {
			s.held[spec] = true
		}
	}
	s.fails = len(s.held)
	switch {
	case silent && s.since.IsZero() && (s.of < guardTargets || 2*s.fails <= s.of):
		return suspicion{}
	case silent && s.since.IsZero():
		s.since = now
	case !silent && s.since.IsZero():
		return suspicion{}
	case !silent:
		for spec := range s.held {
			end := gate.Since.Add(detection(spec))
			switch {
			case !before.held[spec] || !now.Before(end):
				delete(s.held, spec)
			case s.next.IsZero() || end.Before(s.next):
				s.next = end
			}
		}
		if len(s.held) == 0 {
			return suspicion{}
		}
	}
	return s
}

// detection is the time within which a check finds a target that stops answering.
func detection(s check.Spec) time.Duration {
	return s.Interval + s.Timeout + time.Duration(s.Retry)*(s.DelayBeforeRetry+s.Timeout)
}
