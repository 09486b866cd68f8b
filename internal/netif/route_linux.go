package netif

import (
	"encoding/binary"
	"iter"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// inet is the address family of the kernel.
func (r Route) inet() int {
	if r.To.Addr().Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// message says a route as rtnetlink(7) has it; indexes are those of the interfaces of its nexthops.
func (r Route) message(indexes []int) (*nl.RtMsg, []*nl.RtAttr) {
	header := &nl.RtMsg{}
	header.Family, header.Dst_len, header.Tos = uint8(r.inet()), uint8(r.To.Bits()), r.TOS
	header.Protocol, header.Scope, header.Type = r.Protocol, r.Scope, r.Type
	if r.Table < 256 {
		header.Table = uint8(r.Table)
	}
	var list []*nl.RtAttr
	put := func(kind int, data []byte) { list = append(list, nl.NewRtAttr(kind, data)) }
	put(unix.RTA_TABLE, nl.Uint32Attr(r.Table))
	if r.To.Bits() > 0 {
		put(unix.RTA_DST, r.To.Addr().AsSlice())
	}
	if r.Metric != 0 {
		put(unix.RTA_PRIORITY, nl.Uint32Attr(r.Metric))
	}
	if r.Src.IsValid() {
		put(unix.RTA_PREFSRC, r.Src.AsSlice())
	}
	if r.Pref != 0 {
		put(unix.RTA_PREF, nl.Uint8Attr(r.Pref))
	}
	if r.Metrics != (Metrics{}) || r.Congctl != "" {
		list = append(list, r.metrics())
	}
	hops := r.Nexthops.List()
	switch {
	case len(hops) == 1 && hops[0].Weight <= 1:
		if hops[0].Onlink {
			header.Flags |= unix.RTNH_F_ONLINK
		}
		list = append(list, hops[0].attributes(r.inet(), indexes[0])...)
	case len(hops) > 0:
		put(unix.RTA_MULTIPATH, multipath(hops, r.inet(), indexes))
	}
	return header, list
}

func (r Route) metrics() *nl.RtAttr {
	all := nl.NewRtAttr(unix.RTA_METRICS, nil)
	for kind, v := range r.Metrics {
		if v != 0 {
			all.AddRtAttr(kind, nl.Uint32Attr(v))
		}
	}
	if r.Congctl != "" {
		all.AddRtAttr(unix.RTAX_CC_ALGO, nl.ZeroTerminated(r.Congctl))
	}
	return all
}

// attributes are the gateway and the interface of a nexthop, for a route of a family.
func (h Nexthop) attributes(family, index int) (list []*nl.RtAttr) {
	switch {
	case !h.Via.IsValid():
	case family == unix.AF_INET && h.Via.Is6():
		via := binary.NativeEndian.AppendUint16(nil, unix.AF_INET6) // struct rtvia
		list = append(list, nl.NewRtAttr(unix.RTA_VIA, append(via, h.Via.AsSlice()...)))
	default:
		list = append(list, nl.NewRtAttr(unix.RTA_GATEWAY, h.Via.AsSlice()))
	}
	if index != 0 {
		list = append(list, nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(index))))
	}
	return list
}

// multipath is a list of struct rtnexthop, each with its attributes.
func multipath(hops []Nexthop, family int, indexes []int) []byte {
	var all []byte
	for i, h := range hops {
		m := &nl.RtNexthop{RtNexthop: unix.RtNexthop{Hops: uint8(max(h.Weight, 1) - 1)}}
		if h.Onlink {
			m.Flags = unix.RTNH_F_ONLINK
		}
		for _, a := range h.attributes(family, indexes[i]) {
			if a.Type == unix.RTA_OIF {
				m.Ifindex = int32(indexes[i])
				continue
			}
			m.Children = append(m.Children, a)
		}
		all = append(all, m.Serialize()...)
	}
	return all
}

// decodeRoute reads a route of a dump; names are those of the interfaces. It is false for one that
// this package could not have written.
func decodeRoute(b []byte, names map[int]string) (Route, bool) {
	if len(b) < unix.SizeofRtMsg {
		return Route{}, false
	}
	header := nl.DeserializeRtMsg(b)
	if header.Flags&unix.RTM_F_CLONED != 0 {
		return Route{}, false
	}
	r := Route{
		Type: header.Type, Table: uint32(header.Table), TOS: header.Tos, Protocol: header.Protocol, Scope: header.Scope,
	}
	to := netip.IPv4Unspecified()
	if header.Family == unix.AF_INET6 {
		to = netip.IPv6Unspecified()
	}
	hop, single := Nexthop{Onlink: header.Flags&unix.RTNH_F_ONLINK != 0}, false
	var hops []Nexthop
	for kind, v := range attributes(b[unix.SizeofRtMsg:]) {
		ok := true
		switch kind {
		case unix.RTA_TABLE:
			r.Table, ok = number(v)
		case unix.RTA_DST:
			to, ok = netip.AddrFromSlice(v)
		case unix.RTA_PRIORITY:
			r.Metric, ok = number(v)
		case unix.RTA_PREFSRC:
			r.Src, ok = netip.AddrFromSlice(v)
		case unix.RTA_PREF:
			r.Pref, ok = octet(v)
		case unix.RTA_METRICS:
			ok = r.readMetrics(v)
		case unix.RTA_MULTIPATH:
			hops, ok = decodeMultipath(v, names)
		case unix.RTA_GATEWAY, unix.RTA_VIA, unix.RTA_OIF:
			single = true
			ok = hop.read(kind, v, names)
		case unix.RTA_SRC, unix.RTA_NEWDST, unix.RTA_ENCAP, unix.RTA_FLOW, unix.RTA_EXPIRES:
			ok = false
		}
		if !ok {
			return Route{}, false
		}
	}
	if single && hops == nil {
		hops = []Nexthop{hop}
	}
	r.To, r.Nexthops = netip.PrefixFrom(to, int(header.Dst_len)), Hops(hops...)
	return r, r.To.IsValid()
}

// read takes over one attribute of a nexthop.
func (h *Nexthop) read(kind uint16, v []byte, names map[int]string) (ok bool) {
	switch kind {
	case unix.RTA_GATEWAY:
		h.Via, ok = netip.AddrFromSlice(v)
	case unix.RTA_VIA:
		if len(v) > 2 {
			h.Via, ok = netip.AddrFromSlice(v[2:])
		}
	case unix.RTA_OIF:
		var index uint32
		if index, ok = number(v); ok {
			h.Dev, ok = names[int(index)]
		}
	}
	return ok
}

func decodeMultipath(b []byte, names map[int]string) (hops []Nexthop, ok bool) {
	for len(b) >= unix.SizeofRtNexthop {
		m := nl.DeserializeRtNexthop(b)
		size := int(m.RtNexthop.Len)
		if size < unix.SizeofRtNexthop || size > len(b) {
			return nil, false
		}
		h := Nexthop{Weight: uint16(m.Hops) + 1, Onlink: m.Flags&unix.RTNH_F_ONLINK != 0}
		if h.Dev, ok = names[int(m.Ifindex)]; !ok {
			return nil, false
		}
		for kind, v := range attributes(b[unix.SizeofRtNexthop:size]) {
			switch kind {
			case unix.RTA_GATEWAY, unix.RTA_VIA:
				if !h.read(kind, v, names) {
					return nil, false
				}
			case unix.RTA_ENCAP, unix.RTA_FLOW:
				return nil, false
			}
		}
		hops = append(hops, h)
		b = b[min(len(b), aligned(size)):]
	}
	return hops, len(b) == 0
}

func (r *Route) readMetrics(b []byte) (ok bool) {
	for kind, v := range attributes(b) {
		switch {
		case kind == unix.RTAX_CC_ALGO:
			r.Congctl = unix.ByteSliceToString(v)
		case int(kind) >= len(r.Metrics):
			return false
		default:
			if r.Metrics[kind], ok = number(v); !ok {
				return false
			}
		}
	}
	return true
}

// attributes are the attributes of a message, up to the first that is not whole, by their types
// (struct rtattr, rtnetlink(7)). The library's own parser takes their padding for granted.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.SizeofRtAttr {
			size, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
			if size < unix.SizeofRtAttr || size > len(b) || !yield(kind&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), b[unix.SizeofRtAttr:size]) {
				return
			}
			b = b[min(len(b), aligned(size)):]
		}
	}
}

func aligned(size int) int { return (size + unix.RTA_ALIGNTO - 1) &^ (unix.RTA_ALIGNTO - 1) }

func number(b []byte) (uint32, bool) {
	if len(b) < 4 {
		return 0, false
	}
	return binary.NativeEndian.Uint32(b), true
}

func octet(b []byte) (uint8, bool) {
	if len(b) < 1 {
		return 0, false
	}
	return b[0], true
}
