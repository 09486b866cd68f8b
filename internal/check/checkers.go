package check

import (
	"context"
	"errors"
	"fmt"
)

// Kind says how a target is probed.
type Kind uint8

// The kinds of check.
const (
	ICMP  Kind = iota + 1 // one echo request, answered
	TCP                   // a connection that is accepted
	HTTP                  // a GET with an accepted response
	HTTPS                 // the same over TLS
	SMTP                  // a mail server that greets
	DNS                   // a name server that answers
	UDP                   // a packet that is answered, or to which nobody objects
	GRPC                  // a server that says by gRPC that it serves
	Misc                  // a program that says so
	File                  // a file with a number that says so
)

// checker is a kind's name in logs, its keyword in keepalived.conf(5), and its function. That
// probes a target once: nil says that the target is healthy, a *fault that it could not be probed,
// any other error that it is not healthy. It returns by the context's deadline, and soon after the
// context is cancelled.
type checker struct {
	name, keyword string
	probe         func(*probers, context.Context, Spec) error
}

// checkers are all of them, by kind.
func checkers() []checker {
	return []checker{
		ICMP:  {"ping", "PING_CHECK", func(p *probers, ctx context.Context, s Spec) error { return p.pings.probe(ctx, s) }},
		TCP:   {"tcp", "TCP_CHECK", (*probers).tcp},
		HTTP:  {"http", "HTTP_GET", (*probers).http},
		HTTPS: {"https", "SSL_GET", (*probers).http},
		SMTP:  {"smtp", "SMTP_CHECK", alone(probeSMTP)},
		DNS:   {"dns", "DNS_CHECK", alone(probeDNS)},
		UDP:   {"udp", "UDP_CHECK", alone(probeUDP)},
		GRPC:  {"grpc", "GRPC_CHECK", (*probers).grpc},
		Misc:  {"script", "MISC_CHECK", (*probers).misc},
		File:  {"file", "FILE_CHECK", alone(probeFile)},
	}
}

// alone is a checker that needs nothing but its spec.
func alone(probe func(context.Context, Spec) error) func(*probers, context.Context, Spec) error {
	return func(_ *probers, ctx context.Context, s Spec) error { return probe(ctx, s) }
}

// ParseKind returns the kind that keepalived.conf(5) calls by the given keyword, such as
// TCP_CHECK. The second result is false for any other word.
func ParseKind(keyword string) (Kind, bool) {
	for k, c := range checkers() {
		if k != 0 && c.keyword == keyword {
			return Kind(k), true
		}
	}
	return 0, false
}

// String returns the kind's name in logs, such as tcp.
func (k Kind) String() string {
	if all := checkers(); k != 0 && int(k) < len(all) {
		return all[k].name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Keyword returns the kind's keyword in keepalived.conf(5).
func (k Kind) Keyword() string {
	if all := checkers(); k != 0 && int(k) < len(all) {
		return all[k].keyword
	}
	return k.String()
}

// probers are the checkers with what they share.
type probers struct {
	checkers    []checker
	pings       *pings
	expressions expressions
	trusts      trusts
	runners     runners
}

func newProbers() *probers { return &probers{checkers: checkers(), pings: newPings()} }

// probe probes a target once.
func (p *probers) probe(ctx context.Context, spec Spec) error {
	if spec.Kind == 0 || int(spec.Kind) >= len(p.checkers) {
		return &fault{op: "probe " + spec.Addr.String(), cause: errNoChecker}
	}
	return p.checkers[spec.Kind].probe(p, ctx, spec)
}

// wait returns when nothing of any probe is left running.
func (p *probers) wait() {
	p.pings.wait()
	p.runners.wait()
}

var errNoChecker = errors.New("no checker of this kind")
