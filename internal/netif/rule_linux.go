package netif

import (
	"encoding/binary"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// FIB_RULE_INVERT of linux/fib_rules.h, and the masks of ports that Linux 6.15 has beside ranges.
const (
	flagInvert   = 2
	fraSportMask = 29
	fraDportMask = 30
)

// inet is the address family of the kernel.
func (r Rule) inet() int {
	if r.Family == 6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// message says a rule as rtnetlink(7) has it. Its header, struct fib_rule_hdr, is laid out as that of
// a route.
func (r Rule) message() (*nl.RtMsg, []*nl.RtAttr) {
	header := &nl.RtMsg{}
	header.Family, header.Tos, header.Type = uint8(r.inet()), r.TOS, r.Action
	if r.Table < 256 {
		header.Table = uint8(r.Table)
	}
	if r.Not {
		header.Flags = flagInvert
	}
	var list []*nl.RtAttr
	put := func(there bool, kind int, data []byte) {
		if there {
			list = append(list, nl.NewRtAttr(kind, data))
		}
	}
	if r.From.IsValid() {
		header.Src_len = uint8(r.From.Bits())
		put(true, unix.FRA_SRC, r.From.Addr().AsSlice())
	}
	if r.To.IsValid() {
		header.Dst_len = uint8(r.To.Bits())
		put(true, unix.FRA_DST, r.To.Addr().AsSlice())
	}
	put(true, unix.FRA_PRIORITY, nl.Uint32Attr(r.Priority))
	put(true, unix.FRA_PROTOCOL, nl.Uint8Attr(r.Protocol))
	put(r.Table != 0, unix.FRA_TABLE, nl.Uint32Attr(r.Table))
	put(r.Action == ActionGoto, unix.FRA_GOTO, nl.Uint32Attr(r.Goto))
	put(r.Iif != "", unix.FRA_IIFNAME, nl.ZeroTerminated(r.Iif))
	put(r.Oif != "", unix.FRA_OIFNAME, nl.ZeroTerminated(r.Oif))
	put(r.Mask != 0, unix.FRA_FWMARK, nl.Uint32Attr(r.Mark))
	put(r.Mask != 0, unix.FRA_FWMASK, nl.Uint32Attr(r.Mask))
	put(r.IPProto != 0, unix.FRA_IP_PROTO, nl.Uint8Attr(r.IPProto))
	put(r.Sport != Range{}, unix.FRA_SPORT_RANGE, r.Sport.ports())
	put(r.Dport != Range{}, unix.FRA_DPORT_RANGE, r.Dport.ports())
	put(r.UIDRange, unix.FRA_UID_RANGE, append(nl.Uint32Attr(r.UIDs.First), nl.Uint32Attr(r.UIDs.Last)...))
	put(r.TunID != 0, unix.FRA_TUN_ID, nl.BEUint64Attr(r.TunID))
	put(r.L3mdev, unix.FRA_L3MDEV, nl.Uint8Attr(1))
	put(r.SuppressPrefix != 0, unix.FRA_SUPPRESS_PREFIXLEN, nl.Uint32Attr(r.SuppressPrefix-1))
	put(r.SuppressGroup != 0, unix.FRA_SUPPRESS_IFGROUP, nl.Uint32Attr(r.SuppressGroup-1))
	return header, list
}

func (r Range) ports() []byte {
	return append(nl.Uint16Attr(uint16(r.First)), nl.Uint16Attr(uint16(r.Last))...)
}

// decodeRule reads a rule of a dump. It is false for one that this package could not have written.
func decodeRule(b []byte) (Rule, bool) {
	if len(b) < unix.SizeofRtMsg {
		return Rule{}, false
	}
	header := nl.DeserializeRtMsg(b)
	r := Rule{
		Family: 4, Table: uint32(header.Table), TOS: header.Tos, Action: header.Type, Not: header.Flags&flagInvert != 0,
	}
	if header.Family == unix.AF_INET6 {
		r.Family = 6
	}
	for kind, v := range attributes(b[unix.SizeofRtMsg:]) {
		if !r.read(kind, v, header) {
			return Rule{}, false
		}
	}
	return r, true
}

// read takes over one attribute.
func (r *Rule) read(kind uint16, v []byte, header *nl.RtMsg) (ok bool) {
	ok = true
	var n uint32
	switch kind {
	case unix.FRA_SRC:
		r.From, ok = prefix(v, header.Src_len)
	case unix.FRA_DST:
		r.To, ok = prefix(v, header.Dst_len)
	case unix.FRA_PRIORITY:
		r.Priority, ok = number(v)
	case unix.FRA_PROTOCOL:
		r.Protocol, ok = octet(v)
	case unix.FRA_TABLE:
		r.Table, ok = number(v)
	case unix.FRA_GOTO:
		r.Goto, ok = number(v)
	case unix.FRA_IIFNAME:
		r.Iif = unix.ByteSliceToString(v)
	case unix.FRA_OIFNAME:
		r.Oif = unix.ByteSliceToString(v)
	case unix.FRA_FWMARK:
		r.Mark, ok = number(v)
	case unix.FRA_FWMASK:
		r.Mask, ok = number(v)
	case unix.FRA_IP_PROTO:
		r.IPProto, ok = octet(v)
	case unix.FRA_SPORT_RANGE:
		r.Sport, ok = portRange(v)
	case unix.FRA_DPORT_RANGE:
		r.Dport, ok = portRange(v)
	case unix.FRA_UID_RANGE:
		if ok = len(v) >= 8; ok {
			r.UIDRange = true
			r.UIDs = Range{binary.NativeEndian.Uint32(v), binary.NativeEndian.Uint32(v[4:])}
		}
	case unix.FRA_TUN_ID:
		if ok = len(v) >= 8; ok {
			r.TunID = binary.BigEndian.Uint64(v)
		}
	case unix.FRA_L3MDEV:
		var on uint8
		on, ok = octet(v)
		r.L3mdev = on != 0
	case unix.FRA_SUPPRESS_PREFIXLEN:
		n, ok = number(v)
		r.SuppressPrefix = n + 1 // the kernel's -1 is none
	case unix.FRA_SUPPRESS_IFGROUP:
		n, ok = number(v)
		r.SuppressGroup = n + 1
	case unix.FRA_PAD:
	case fraSportMask, fraDportMask:
		ok = len(v) >= 2 && binary.NativeEndian.Uint16(v) == 0xffff // of one port
	default:
		ok = false
	}
	return ok
}

func prefix(v []byte, bits uint8) (netip.Prefix, bool) {
	ip, ok := netip.AddrFromSlice(v)
	p := netip.PrefixFrom(ip, int(bits))
	return p, ok && p.IsValid()
}

func portRange(v []byte) (Range, bool) {
	if len(v) < 4 {
		return Range{}, false
	}
	return Range{uint32(binary.NativeEndian.Uint16(v)), uint32(binary.NativeEndian.Uint16(v[2:]))}, true
}
