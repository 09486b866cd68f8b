package netif

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// lease is how long the kernel keeps the addresses of an instance. It takes them off by itself when
// nobody renews them: a process that was killed, or hangs, leaves no address behind for which
// another node has become master.
type lease struct {
	until    time.Time     // the end of the role for which it was last renewed
	at       time.Time     // when that was
	length   time.Duration // what it was
	failures int           // in a row
	retry    time.Time     // zero for none
	told     bool          // that it fails
}

// The kernel counts whole seconds and looks when one is over: it keeps an address for up to a
// second more than it was told (check_lifetime in net/ipv4/devinet.c, addrconf_verify_rtnl in
// net/ipv6/addrconf.c). A lease is shorter by that than what the election vouches for, but not less
// than a second: with less than two seconds from one advert to a takeover, an address stays for up
// to two.
const (
	kernelUnit = time.Second
	leaseSlack = 100 * time.Millisecond // between the election's advert and the renewal
	leaseRetry = 50 * time.Millisecond
	leaseTries = 4
)

// leaseFor is the lease of an address for which the election vouches for so long.
func leaseFor(vouched time.Duration) time.Duration {
	return max(kernelUnit, (vouched+leaseSlack).Truncate(kernelUnit)-kernelUnit)
}

// lease is how an address of an instance is put on.
func (l *loop) lease(instance string, a Address) Lease {
	now := time.Now()
	wish := Lease{Address: a, Deprecated: a.Preferred == Deprecated}
	if a.Preferred > 0 {
		if l.born[a].IsZero() || l.why[a] != "" {
			l.born[a] = now
		}
		wish.Preferred = time.Duration(a.Preferred)*time.Second - now.Sub(l.born[a]).Truncate(time.Second)
		wish.Deprecated = wish.Preferred <= 0
	}
	if r := l.roles[instance]; !l.want.Instances[instance].Static {
		wish.Valid = leaseFor(r.Until.Sub(now))
	}
	return wish
}

// renew renews the leases of every master for which the election has vouched again, all in one
// pass. Only what we put on has a lease: an address that the host had before stays its own.
func (l *loop) renew() {
	now := time.Now()
	var leases []Lease
	var of []string
	for _, name := range slices.Sorted(maps.Keys(l.state)) {
		st, r, in := l.state[name], l.roles[name], l.want.Instances[name]
		if in.Static || !r.holds(now) {
			st.lease = lease{}
			continue
		}
		due := r.Until.After(st.lease.until) && now.Sub(st.lease.at) >= st.lease.length/8
		if !due && (st.lease.retry.IsZero() || now.Before(st.lease.retry)) {
			continue
		}
		st.lease.length, st.lease.until, st.lease.at = leaseFor(r.Until.Sub(now)), r.Until, now
		for _, a := range l.there(in) {
			if _, ours := l.owned[a]; ours {
				leases, of = append(leases, l.lease(name, a)), append(of, name)
			}
		}
	}
	failed := make(map[string]error)
	if len(leases) > 0 {
		for i, err := range l.kernel.Renew(leases) {
			if err != nil {
				// Whatever the error says, the kernel is not what it was thought to be.
				l.stale = true
			}
			if err != nil && !errors.Is(err, errNoDevice) && failed[of[i]] == nil {
				failed[of[i]] = fmt.Errorf("renew %s: %w", leases[i].Address, err)
			}
		}
	}
	l.leased(now, failed)
}

// leased keeps the books about leases, and has the election wake us for the next ones.
func (l *loop) leased(now time.Time, failed map[string]error) {
	next := make(map[string]time.Time, len(l.state))
	for name, st := range l.state {
		if st.lease.at.IsZero() {
			continue
		}
		next[name] = st.lease.at.Add(st.lease.length / 4)
		if !st.lease.at.Equal(now) {
			continue
		}
		err := failed[name]
		if err == nil {
			st.lease.failures, st.lease.retry, st.lease.told = 0, time.Time{}, false
			continue
		}
		st.lease.failures++
		st.lease.retry = now.Add(leaseRetry)
		if st.lease.failures >= leaseTries && !st.lease.told {
			st.lease.told = true
			l.say(LeaseFailed{Instance: name, Err: err})
		}
	}
	l.wakeFor(next)
}
