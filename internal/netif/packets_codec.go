package netif

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"reflect"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// expressions are a rule as nftables has it.
func expressions(r PacketRule) []expr.Any {
	switch r := r.(type) {
	case Marking:
		return r.expressions()
	case Masquerade:
		return r.expressions()
	case Refusal:
		return r.expressions()
	}
	return nil
}

// header says where the addresses stand in the header of a family.
type header struct {
	nfproto       byte
	source, dest  uint32 // offsets
	addressLength uint32
}

func headerOf(a netip.Addr) header {
	if a.Is4() {
		return header{unix.NFPROTO_IPV4, 12, 16, 4}
	}
	return header{unix.NFPROTO_IPV6, 8, 24, 16}
}

// register is the one that every expression uses. It has room for four values of 32 bits, the second of which has a
// register of its own too, as the kernel names it: NFT_REG32_01 of linux/netfilter/nf_tables.h.
const (
	register       = 1
	registerSecond = 9
)

func equal(data ...byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: data}
}

func (m Marking) expressions() []expr.Any {
	h := headerOf(m.To)
	list := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register}, equal(h.nfproto),
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: h.dest, Len: h.addressLength}, equal(m.To.AsSlice()...),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}, equal(m.Protocol),
	}
	if m.First != 0 {
		first, last := binary.BigEndian.AppendUint16(nil, m.First), binary.BigEndian.AppendUint16(nil, m.Last)
		list = append(list, &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2})
		if m.First == m.Last {
			list = append(list, equal(first...))
		} else {
			list = append(list, &expr.Cmp{Op: expr.CmpOpGte, Register: register, Data: first},
				&expr.Cmp{Op: expr.CmpOpLte, Register: register, Data: last})
		}
	}
	return append(list, &expr.Immediate{Register: register, Data: binaryutil.NativeEndian.PutUint32(m.Mark)},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: register})
}

func (r Refusal) expressions() []expr.Any {
	h := headerOf(r.To)
	list := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register}, equal(h.nfproto),
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: h.dest, Len: h.addressLength}, equal(r.To.AsSlice()...),
	}
	if r.To.Is6() {
		// The protocol with the first byte behind the header, which is the type of ICMPv6: all but a solicitation and an
		// advertisement of neighbours (RFC 4861 §4.3, §4.4).
		list = append(list, &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
			&expr.Payload{DestRegister: registerSecond, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1},
			&expr.Range{Op: expr.CmpOpNeq, Register: register,
				FromData: []byte{unix.IPPROTO_ICMPV6, 0, 0, 0, 135, 0, 0, 0}, ToData: []byte{unix.IPPROTO_ICMPV6, 0, 0, 0, 136, 0, 0, 0}})
	}
	return append(list, &expr.Verdict{Kind: expr.VerdictDrop})
}

func (m Masquerade) expressions() []expr.Any {
	h := headerOf(m.From.Addr())
	network := m.From.Addr().AsSlice()
	// within compares an address with the network.
	within := func(offset uint32, op expr.CmpOp) []expr.Any {
		list := []expr.Any{&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: h.addressLength}}
		if !m.From.IsSingleIP() {
			list = append(list, &expr.Bitwise{SourceRegister: register, DestRegister: register, Len: h.addressLength,
				Mask: net.CIDRMask(m.From.Bits(), int(h.addressLength)*8), Xor: make([]byte, h.addressLength)})
		}
		return append(list, &expr.Cmp{Op: op, Register: register, Data: network})
	}
	list := []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register}, equal(h.nfproto)}
	list = append(append(list, within(h.source, expr.CmpOpEq)...), within(h.dest, expr.CmpOpNeq)...)
	if m.Out != "" {
		list = append(list, &expr.Meta{Key: expr.MetaKeyOIFNAME, Register: register}, equal(append([]byte(m.Out), make([]byte, unix.IFNAMSIZ-len(m.Out))...)...))
	}
	return append(list, &expr.Masq{})
}

// ruleOf is the contrary of expressions; nil is of a rule that is none of lvsd's.
func ruleOf(list []expr.Any) PacketRule {
	if len(list) == 0 {
		return nil
	}
	var r PacketRule
	switch list[len(list)-1].(type) {
	case *expr.Masq:
		r = masqueradeOf(list)
	case *expr.Verdict:
		to, _ := netip.AddrFromSlice(compared(list, 3))
		r = Refusal{To: to}
	default:
		r = markingOf(list)
	}
	if !reflect.DeepEqual(expressions(r), list) {
		return nil
	}
	return r
}

// markingOf takes from a rule what a Marking has at those places.
func markingOf(list []expr.Any) (m Marking) {
	m.To, _ = netip.AddrFromSlice(compared(list, 3))
	if protocol := compared(list, 5); len(protocol) == 1 {
		m.Protocol = protocol[0]
	}
	if port := compared(list, 7); len(port) == 2 {
		m.First = binary.BigEndian.Uint16(port)
		m.Last = m.First
		if last := compared(list, 8); len(last) == 2 {
			m.Last = binary.BigEndian.Uint16(last)
		}
	}
	if len(list) > 1 {
		if i, ok := list[len(list)-2].(*expr.Immediate); ok && len(i.Data) == 4 {
			m.Mark = binaryutil.NativeEndian.Uint32(i.Data)
		}
	}
	return m
}

// masqueradeOf takes from a rule what a Masquerade has at those places.
func masqueradeOf(list []expr.Any) (m Masquerade) {
	network, bits := compared(list, 3), 8*len(compared(list, 3))
	if len(list) > 3 {
		if b, masked := list[3].(*expr.Bitwise); masked {
			network = compared(list, 4)
			bits, _ = net.IPMask(b.Mask).Size()
		}
	}
	from, _ := netip.AddrFromSlice(network)
	m.From = netip.PrefixFrom(from, bits)
	if name := compared(list, len(list)-2); len(name) == unix.IFNAMSIZ {
		if meta, ok := list[len(list)-3].(*expr.Meta); ok && meta.Key == expr.MetaKeyOIFNAME {
			m.Out = string(bytes.TrimRight(name, "\x00"))
		}
	}
	return m
}

// compared is the data of a comparison at a place of a rule; nil where there is none.
func compared(list []expr.Any, at int) []byte {
	if at < 0 || at >= len(list) {
		return nil
	}
	if c, ok := list[at].(*expr.Cmp); ok {
		return c.Data
	}
	return nil
}
