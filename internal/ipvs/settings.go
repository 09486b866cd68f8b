package ipvs

import (
	"fmt"
	"net/netip"
)

// Timeouts are how long the kernel remembers a connection without packets, in whole seconds. As a
// wish 0 is whatever the kernel has.
type Timeouts struct {
	TCP    uint32 // of an established connection
	TCPFin uint32 // of one that a FIN was seen of
	UDP    uint32
}

// Daemon is a connection synchronization daemon of the kernel (ipvsadm(8), --start-daemon). It is
// comparable.
type Daemon struct {
	// Interface carries the packets; it has to be up. It is empty for no daemon.
	Interface string
	ID        uint8 // tells daemons apart that share a network
	// MaxLen is the size of a packet's payload in bytes; 0 is what the interface's MTU allows.
	MaxLen uint16
	Group  netip.Addr // multicast, IPv4 or IPv6
	Port   uint16     // UDP, 1-65535
	TTL    uint8      // 1-255
}

// String names the interface, the id and the group.
func (d Daemon) String() string {
	return fmt.Sprintf("%s id %d to %s", d.Interface, d.ID, netip.AddrPortFrom(d.Group, d.Port))
}

// Settings are what IPVS has in a network namespace beside its table. They are comparable.
type Settings struct {
	Timeouts Timeouts
	// Sender tells others of our connections ("master"), Receiver takes what others tell ("backup").
	// The kernel has one of each at most.
	Sender, Receiver Daemon
	Sysctls          Sysctls
	// ManageSysctls is a wish: Sysctls are written where they differ, and not only told of.
	ManageSysctls bool
	// FTP is the kernel's helper for FTP at port 21 of services with NAT (the module ip_vs_ftp): it puts the addresses of
	// data connections right. As a wish false is whatever the kernel has.
	FTP bool
}

// DaemonState says which of the two daemons an Op is on (IP_VS_STATE_*, linux/ip_vs.h).
type DaemonState uint8

// The daemons.
const (
	Sending   DaemonState = 1 // "master"
	Receiving DaemonState = 2 // "backup"
)

// String is ipvsadm's word: master, backup.
func (s DaemonState) String() string {
	if s == Receiving {
		return "backup"
	}
	return "master"
}

// daemon is the one of a state.
func (s *Settings) daemon(state DaemonState) *Daemon {
	if state == Receiving {
		return &s.Receiver
	}
	return &s.Sender
}

// planSettings says what to write so that a kernel that has the settings have has want. Timeouts
// that nobody wants any more become what they were before us; daemons that nobody wants are stopped
// if one was wanted before, or is now. Sysctls and the helper for FTP stay as they are.
func planSettings(want, have Settings, owned *ownership) []Op {
	var ops []Op
	if t := want.Timeouts.over(owned.timeouts).over(have.Timeouts); t != have.Timeouts {
		ops = append(ops, Op{Kind: SetTimeouts, Timeouts: t})
	}
	if want.FTP && !have.FTP {
		ops = append(ops, Op{Kind: LoadFTP})
	}
	for _, d := range want.Sysctls.differences(have.Sysctls) {
		if want.ManageSysctls && d.Has != NoSysctl {
			ops = append(ops, Op{Kind: SetSysctl, Sysctl: d})
		}
	}
	var stops []Op
	ours := owned.daemons || want.Sender.Interface != "" || want.Receiver.Interface != ""
	for _, state := range []DaemonState{Sending, Receiving} {
		w, h := *want.daemon(state), *have.daemon(state)
		if w.Interface == "" {
			if h.Interface != "" && ours {
				stops = append(stops, Op{Kind: StopDaemon, State: state, Daemon: h})
			}
			continue
		}
		if w.served(h, state) {
			continue
		}
		if h.Interface != "" { // it cannot be changed
			ops = append(ops, Op{Kind: StopDaemon, State: state, Daemon: h})
		}
		ops = append(ops, Op{Kind: StartDaemon, State: state, Daemon: w})
	}
	return append(ops, stops...)
}

// over is t with what it has no wish for from another.
func (t Timeouts) over(other Timeouts) Timeouts {
	fill := func(n *uint32, from uint32) {
		if *n == 0 {
			*n = from
		}
	}
	fill(&t.TCP, other.TCP)
	fill(&t.TCPFin, other.TCPFin)
	fill(&t.UDP, other.UDP)
	return t
}

// minReceived is the smallest payload for which the kernel makes a receiving daemon
// (net/netfilter/ipvs/ip_vs_sync.c, start_sync_thread).
const minReceived = 1024

// served says whether the daemon that the kernel has is the wanted one.
func (d Daemon) served(have Daemon, state DaemonState) bool {
	switch {
	case d.MaxLen == 0:
		d.MaxLen = have.MaxLen
	case state == Receiving:
		d.MaxLen = max(d.MaxLen, minReceived)
	}
	return d == have
}

// onSettings says whether the operation is on the settings.
func (o Op) onSettings() bool {
	switch o.Kind {
	case SetTimeouts, SetSysctl, LoadFTP, StartDaemon, StopDaemon:
		return true
	}
	return false
}

// reached says whether the settings are as the operation was to make them.
func (o Op) reached(s Settings) bool {
	switch o.Kind {
	case SetTimeouts:
		return s.Timeouts == o.Timeouts
	case SetSysctl:
		return s.Sysctls[o.Sysctl.Sysctl] == o.Sysctl.Want
	case LoadFTP:
		return s.FTP
	case StartDaemon:
		return o.Daemon.served(*s.daemon(o.State), o.State)
	}
	return s.daemon(o.State).Interface == ""
}
