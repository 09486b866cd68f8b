package ipvs

import (
	"fmt"
	"net/netip"
)

// timeouts say what the timeouts are to become. The kernel leaves those alone that are 0.
func (m *message) timeouts(t Timeouts) {
	m.u32(attrTCP, t.TCP)
	m.u32(attrTCPFin, t.TCPFin)
	m.u32(attrUDP, t.UDP)
}

// daemon names a daemon to start or stop. What it does not say the kernel chooses.
func (m *message) daemon(state DaemonState, d Daemon) {
	start := m.open(attrDaemon)
	m.u32(daemonState, uint32(state))
	m.text(daemonInterface, d.Interface)
	m.u32(daemonID, uint32(d.ID))
	if d.MaxLen != 0 {
		m.u16(daemonMaxLen, d.MaxLen)
	}
	switch {
	case d.Group.Is4():
		m.address(daemonGroup, d.Group)
	case d.Group.Is6():
		m.address(daemonGroup6, d.Group)
	}
	if d.Port != 0 {
		m.u16(daemonPort, d.Port)
	}
	if d.TTL != 0 {
		m.u8(daemonTTL, d.TTL)
	}
	m.close(start)
}

// parseTimeouts reads the answer to a request for the configuration.
func parseTimeouts(b []byte) (Timeouts, error) {
	a, err := parseAttributes(b)
	if err != nil {
		return Timeouts{}, fmt.Errorf("read the timeouts: %w", err)
	}
	return Timeouts{TCP: a.u32(attrTCP), TCPFin: a.u32(attrTCPFin), UDP: a.u32(attrUDP)}, nil
}

// parseDaemon reads one message of a dump of the daemons into its place.
func parseDaemon(b []byte, to *Settings) error {
	top, err := parseAttributes(b)
	if err != nil {
		return fmt.Errorf("read a sync daemon: %w", err)
	}
	a, err := parseAttributes(top[attrDaemon])
	if err != nil {
		return fmt.Errorf("read a sync daemon: %w", err)
	}
	d := Daemon{
		Interface: a.text(daemonInterface), ID: uint8(a.u32(daemonID)), MaxLen: a.u16(daemonMaxLen),
		Port: a.u16(daemonPort), TTL: a.u8(daemonTTL),
	}
	group := a[daemonGroup]
	if group == nil {
		group = a[daemonGroup6]
	}
	if group != nil { // kernels before 4.3 do not tell it
		var ok bool
		if d.Group, ok = netip.AddrFromSlice(group); !ok {
			return fmt.Errorf("read a sync daemon: %w", errShort)
		}
	}
	*to.daemon(DaemonState(a.u32(daemonState))) = d
	return nil
}
