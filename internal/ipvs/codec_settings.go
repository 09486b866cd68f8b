package ipvs

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
)

// timeoutAttrs say what the timeouts are to become. The kernel leaves those alone that are 0.
func timeoutAttrs(t Timeouts) []*nl.RtAttr {
	return []*nl.RtAttr{
		nl.NewRtAttr(attrTCP, nl.Uint32Attr(t.TCP)),
		nl.NewRtAttr(attrTCPFin, nl.Uint32Attr(t.TCPFin)),
		nl.NewRtAttr(attrUDP, nl.Uint32Attr(t.UDP)),
	}
}

// daemonAttr names a daemon to start. What it does not say the kernel chooses.
func daemonAttr(state DaemonState, d Daemon) *nl.RtAttr {
	a := nl.NewRtAttr(attrDaemon, nil)
	a.AddRtAttr(daemonState, nl.Uint32Attr(uint32(state)))
	a.AddRtAttr(daemonInterface, nl.ZeroTerminated(d.Interface))
	a.AddRtAttr(daemonID, nl.Uint32Attr(uint32(d.ID)))
	if d.MaxLen != 0 {
		a.AddRtAttr(daemonMaxLen, nl.Uint16Attr(d.MaxLen))
	}
	switch {
	case d.Group.Is4():
		a.AddRtAttr(daemonGroup, d.Group.AsSlice())
	case d.Group.Is6():
		a.AddRtAttr(daemonGroup6, d.Group.AsSlice())
	}
	if d.Port != 0 {
		a.AddRtAttr(daemonPort, nl.Uint16Attr(d.Port))
	}
	if d.TTL != 0 {
		a.AddRtAttr(daemonTTL, nl.Uint8Attr(d.TTL))
	}
	return a
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
