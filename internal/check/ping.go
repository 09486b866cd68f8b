package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"syscall"

	probing "github.com/prometheus-community/pro-bing"
)

// maxRawPings is how many raw ICMP sockets may be open at once: the kernel offers every ICMP packet
// to every one of them, so that their cost grows with the square of their number.
const maxRawPings = 200

var (
	errNoPingSocket = errors.New("neither a ping socket nor a raw one is permitted; " +
		"set the sysctl net.ipv4.ping_group_range to include lvsd's group, or give lvsd CAP_NET_RAW")
	errManyRawPings = fmt.Errorf("%d raw ICMP sockets are open, no more are opened; "+
		"set the sysctl net.ipv4.ping_group_range to include lvsd's group", maxRawPings)
)

// pings probes by ICMP echo where echoes_linux.go does not: from a socket of the check's own, or
// without the right to raw sockets. A pinger of its own serves each probe, on a ping socket, for which
// the kernel sorts the replies; where such a socket is not permitted, on a raw one.
type pings struct {
	raw     chan struct{} // a token for each raw socket in use
	running sync.WaitGroup
}

func newPings() *pings { return &pings{raw: make(chan struct{}, maxRawPings)} }

// wait returns when every pinger has ended, which is within some 100 ms of the end of its probe.
func (p *pings) wait() { p.running.Wait() }

// probe sends one echo request and wants the reply.
func (p *pings) probe(ctx context.Context, spec Spec) error {
	err := p.ping(ctx, spec, false)
	if !notPermitted(err) {
		return err
	}
	select {
	case p.raw <- struct{}{}:
	default:
		return &fault{op: spec.String(), cause: errManyRawPings}
	}
	err = p.ping(ctx, spec, true)
	if notPermitted(err) {
		return &fault{op: spec.String(), cause: errNoPingSocket}
	}
	return err
}

// notPermitted reports whether err says that a socket was refused to us.
func notPermitted(err error) bool {
	var f *fault
	return errors.As(err, &f) && errors.Is(f.cause, fs.ErrPermission)
}

// ping runs one pinger. It returns with the reply or at the deadline, without waiting for the
// pinger, which looks up from its socket only every 100 ms. A raw ping gives its token back when
// its socket is closed.
func (p *pings) ping(ctx context.Context, spec Spec, raw bool) error {
	socket := spec.Detail.Socket()
	target := socket.target(spec.Addr).Addr()
	sending := "send echo request to " + target.String()
	done := make(chan error, 4) // more than are ever sent: the pinger must not wait for us

	// Left alone, a pinger that may not send (EACCES: a prohibit route) or that finds no buffer
	// (ENOBUFS) tries again for ever, deaf to its context. Both paths call back in between: there
	// its sending goroutine is ended, which stops the others in order.
	give := func(err error) {
		done <- failure(sending, err)
		runtime.Goexit()
	}
	if socket.Interface != "" {
		if _, err := net.InterfaceByName(socket.Interface); err != nil {
			return &fault{op: sending + " by " + socket.Interface, cause: syscall.ENODEV}
		}
	}
	pinger := probing.New(target.String())
	pinger.InterfaceName = socket.Interface
	pinger.SetMark(uint(socket.Mark))
	if socket.Source.IsValid() {
		pinger.Source = socket.Source.String()
	}
	pinger.SetIPAddr(&net.IPAddr{IP: target.AsSlice(), Zone: target.Zone()})
	pinger.SetPrivileged(raw)
	pinger.Count = 1
	pinger.RecordRtts, pinger.RecordTTLs = false, false
	pinger.SetLogger(sendLogger{refused: func() { give(syscall.EACCES) }})
	pinger.OnSendError = func(_ *probing.Packet, err error) { give(err) }
	pinger.OnRecv = func(reply *probing.Packet) {
		from, _ := netip.AddrFromSlice(reply.IPAddr.IP)
		if from.Unmap() != target.Unmap().WithZone("") {
			done <- fmt.Errorf("echo reply came from %s, not from %s", from.Unmap(), target)
			return
		}
		done <- nil
	}
	p.running.Go(func() {
		if raw {
			defer func() { <-p.raw }()
		}
		if err := pinger.RunWithContext(ctx); err != nil && ctx.Err() == nil {
			done <- failure(sending, err)
		}
	})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("no echo reply within %v", spec.Timeout)
	}
}

// sendLogger logs nothing. A pinger tells its logger at level info, and only then, that sending gave
// EACCES and that it will try again.
type sendLogger struct {
	probing.NoopLogger
	refused func()
}

// Infof ends the sending of a pinger.
func (l sendLogger) Infof(string, ...any) { l.refused() }
