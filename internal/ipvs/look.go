package ipvs

import (
	"bytes"
	"net/netip"
	"strconv"
)

// look compares a table with what /proc/net/ip_vs shows (ip_vs_info_seq_show of net/netfilter/ipvs/ip_vs_ctl.c), which costs a
// fraction of a reading of all: the services with their schedulers, the destinations with their ways of forwarding and weights.
// It shows neither thresholds nor the way of a tunnel, and flags not as they were asked for: of those it says nothing.
type look struct {
	table    Table
	services int   // that were shown
	entry    Entry // of the service whose destinations are being shown
	shown    int   // of them
	blind    bool  // which of two services these destinations are of is not shown
	differs  bool
}

// line takes one line. It keeps none of it.
func (l *look) line(text []byte) {
	if l.differs {
		return
	}
	fields := [5][]byte{}
	n := 0
	for field := range bytes.FieldsSeq(text) {
		if fields[n] = field; n == len(fields)-1 {
			break
		}
		n++
	}
	switch {
	case string(fields[0]) == "->":
		if l.services > 0 && !l.blind { // before the first service it is a heading
			l.destination(fields[1], fields[2], fields[3])
		}
	case string(fields[0]) == "FWM":
		mark, err := strconv.ParseUint(string(fields[1]), 16, 32)
		l.mark(uint32(mark), fields[2], err)
	default:
		protocol, known := map[string]uint8{"TCP": 6, "UDP": 17, "SCTP": 132}[string(fields[0])]
		if !known {
			return // a heading
		}
		address, err := shownAddress(fields[1])
		key := ServiceKey{Family: 4, Protocol: protocol, Addr: address.Addr(), Port: address.Port()}
		if address.Addr().Is6() {
			key.Family = 6
		}
		l.service(key, fields[2], err)
	}
}

// mark begins the destinations of a service by mark, of which the text does not show the family.
func (l *look) mark(mark uint32, scheduler []byte, err error) {
	four, six := ServiceKey{Family: 4, FWMark: mark}, ServiceKey{Family: 6, FWMark: mark}
	_, is4 := l.table[four]
	_, is6 := l.table[six]
	switch {
	case is4 && is6:
		l.end()
		l.services++
		l.blind, l.entry, l.shown = true, Entry{}, 0
	case is6:
		l.service(six, scheduler, err)
	default:
		l.service(four, scheduler, err)
	}
}

func (l *look) service(key ServiceKey, scheduler []byte, err error) {
	l.end()
	l.services++
	e, there := l.table[key]
	l.blind, l.entry, l.shown = false, e, 0
	l.differs = l.differs || err != nil || !there || e.Service.Scheduler != string(scheduler)
}

// shownForward are the names of the ways of forwarding (ip_vs_fwd_name).
var shownForward = [...]string{Masquerade: "Masq", Local: "Local", Tunnel: "Tunnel", Route: "Route", Bypass: "Bypass"}

func (l *look) destination(address, forward, weight []byte) {
	l.shown++
	at, err := shownAddress(address)
	d, there := l.entry.Destinations[at]
	n, notNumber := strconv.ParseUint(string(weight), 10, 31)
	l.differs = l.differs || err != nil || notNumber != nil || !there || uint64(d.Weight) != n ||
		int(d.Forward) >= len(shownForward) || shownForward[d.Forward] != string(forward)
}

// end ends the destinations of a service.
func (l *look) end() {
	l.differs = l.differs || l.shown != len(l.entry.Destinations)
}

// changed tells, after the last line, whether the kernel has another table.
func (l *look) changed() bool {
	l.end()
	return l.differs || l.services != len(l.table)
}

// shownAddress reads C0A8020B:0050 or [2001:0db8:…]:0050.
func shownAddress(text []byte) (netip.AddrPort, error) {
	at := bytes.LastIndexByte(text, ':')
	if at < 0 {
		return netip.AddrPort{}, strconv.ErrSyntax
	}
	port, err := strconv.ParseUint(string(text[at+1:]), 16, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if address := text[:at]; len(address) > 1 && address[0] == '[' {
		a, err := netip.ParseAddr(string(address[1 : len(address)-1]))
		return netip.AddrPortFrom(a, uint16(port)), err
	}
	four, err := strconv.ParseUint(string(text[:at]), 16, 32)
	a := netip.AddrFrom4([4]byte{byte(four >> 24), byte(four >> 16), byte(four >> 8), byte(four)})
	return netip.AddrPortFrom(a, uint16(port)), err
}
