package check

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"time"
)

// Kind says how a target is probed.
type Kind uint8

// The kinds of check.
const (
	ICMP  Kind = iota + 1 // one echo request, answered
	TCP                   // a connection that is accepted
	HTTP                  // a GET with an accepted status
	HTTPS                 // the same over TLS; the certificate is not verified
)

// kindNames has, for each kind, its name in logs and its keyword in keepalived.conf(5).
var kindNames = [...]struct{ name, keyword string }{
	ICMP:  {"ping", "PING_CHECK"},
	TCP:   {"tcp", "TCP_CHECK"},
	HTTP:  {"http", "HTTP_GET"},
	HTTPS: {"https", "SSL_GET"},
}

// ParseKind returns the kind that keepalived.conf(5) calls by the given keyword: PING_CHECK,
// TCP_CHECK, HTTP_GET or SSL_GET. The second result is false for any other word.
func ParseKind(keyword string) (Kind, bool) {
	for k, n := range kindNames {
		if k != 0 && n.keyword == keyword {
			return Kind(k), true
		}
	}
	return 0, false
}

// String returns the kind's name in logs: ping, tcp, http or https.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k].name
}

// Keyword returns the kind's keyword in keepalived.conf(5).
func (k Kind) Keyword() string {
	if k == 0 || int(k) >= len(kindNames) {
		return k.String()
	}
	return kindNames[k].keyword
}

// Spec is the identity of a check: equal specs are one check, with one verdict. It is comparable.
type Spec struct {
	Kind Kind
	// Addr is the target. Its port is 0 for ICMP.
	Addr netip.AddrPort
	// Path is what HTTP and HTTPS ask for: a path with its query, beginning with a slash; empty
	// means "/". It is empty for other kinds.
	Path string
	// Status has the accepted answers of HTTP and HTTPS; it is empty for other kinds.
	Status StatusCodes
	// Interval is the time from the start of one probe to the start of the next, at least 1 ms.
	Interval time.Duration
	// Timeout bounds a whole probe, from its first packet to its last. It is above 0.
	Timeout time.Duration
	// Retry is how many failed probes after the first are borne before a target that was
	// healthy is down.
	Retry int
	// DelayBeforeRetry is the time from the end of a failed probe to the next while retrying.
	DelayBeforeRetry time.Duration
	// Alpha takes the target for down until a probe has succeeded; else it counts as healthy until
	// one has failed.
	Alpha bool
}

// String returns the kind and the target: "http 10.10.10.11:80/healthz". Specs that differ only in
// their timing or their accepted status print the same.
func (s Spec) String() string {
	if s.Kind == ICMP {
		return s.Kind.String() + " " + s.Addr.Addr().String()
	}
	return s.Kind.String() + " " + s.Addr.String() + s.Path
}

// Untimed is what the spec asks of its target, without the times at which it does, and without
// what is thought of it before.
func (s Spec) Untimed() Spec {
	s.Interval, s.Timeout, s.Retry, s.DelayBeforeRetry, s.Alpha = 0, 0, 0, 0, false
	return s
}

// interval is the spec's interval, never so small that a check would spin.
func (s Spec) interval() time.Duration { return max(s.Interval, time.Millisecond) }

// phase is how long after its start a check probes first, within one interval. It depends on the
// spec alone, so that checks spread evenly and in the same way after every restart, without one
// knowing of another.
func (s Spec) phase() time.Duration {
	h := fnv.New64a()
	fmt.Fprint(h, s)
	return time.Duration(h.Sum64() % uint64(s.interval()))
}
