package ipvs

import (
	"encoding/binary"
	"net/netip"
)

const (
	netlinkHeaderLen = 16 // length, type, flags, sequence number, port (linux/netlink.h, struct nlmsghdr)
	genlHeaderLen    = 4  // command, version, two reserved bytes (linux/genetlink.h, struct genlmsghdr)
)

// message is a buffer that netlink requests are written into, one behind the other.
type message struct{ b []byte }

// request writes one request for a family; fill, which may be nil, writes its attributes.
func (m *message) request(family uint16, command uint8, flags uint16, sequence uint32, fill func(*message)) {
	start := len(m.b)
	m.b = binary.NativeEndian.AppendUint32(m.b, 0) // the length, below
	m.b = binary.NativeEndian.AppendUint16(m.b, family)
	m.b = binary.NativeEndian.AppendUint16(m.b, flags)
	m.b = binary.NativeEndian.AppendUint32(m.b, sequence)
	m.b = binary.NativeEndian.AppendUint32(m.b, 0) // to the kernel, which fills in the port
	m.b = append(m.b, command, 1, 0, 0)
	if fill != nil {
		fill(m)
	}
	binary.NativeEndian.PutUint32(m.b[start:], uint32(len(m.b)-start))
}

// open begins an attribute, close ends it: between them is its value.
func (m *message) open(t uint16) int {
	start := len(m.b)
	m.b = binary.NativeEndian.AppendUint16(m.b, 0)
	m.b = binary.NativeEndian.AppendUint16(m.b, t)
	return start
}

func (m *message) close(start int) {
	binary.NativeEndian.PutUint16(m.b[start:], uint16(len(m.b)-start))
	for len(m.b)%4 != 0 {
		m.b = append(m.b, 0)
	}
}

func (m *message) u8(t uint16, v uint8) {
	start := m.open(t)
	m.b = append(m.b, v)
	m.close(start)
}

func (m *message) u16(t, v uint16) {
	start := m.open(t)
	m.b = binary.NativeEndian.AppendUint16(m.b, v)
	m.close(start)
}

// be16 writes a number in network byte order.
func (m *message) be16(t, v uint16) {
	start := m.open(t)
	m.b = binary.BigEndian.AppendUint16(m.b, v)
	m.close(start)
}

func (m *message) u32(t uint16, v uint32) {
	start := m.open(t)
	m.b = binary.NativeEndian.AppendUint32(m.b, v)
	m.close(start)
}

// text writes a string with a zero byte at its end.
func (m *message) text(t uint16, s string) {
	start := m.open(t)
	m.b = append(append(m.b, s...), 0)
	m.close(start)
}

func (m *message) address(t uint16, a netip.Addr) {
	start := m.open(t)
	if a.Is4() {
		b := a.As4()
		m.b = append(m.b, b[:]...)
	} else {
		b := a.As16()
		m.b = append(m.b, b[:]...)
	}
	m.close(start)
}
