package ipvs

import (
	"encoding/binary"
	"errors"
)

// errShort says that a netlink message ends within an attribute.
var errShort = errors.New("malformed netlink message")

const (
	attrHeader   = 4      // length and type, two bytes each (linux/netlink.h, struct nlattr)
	attrTypeMask = 0x3fff // NLA_TYPE_MASK
)

// attributes holds the values of a netlink message's attributes by their type; nil for those
// that are not there. Types beyond those that are known here are left out.
type attributes [16][]byte

// parseAttributes splits a run of attributes. The values share b's memory.
func parseAttributes(b []byte) (attributes, error) {
	var out attributes
	for len(b) > 0 {
		if len(b) < attrHeader {
			return out, errShort
		}
		length := int(binary.NativeEndian.Uint16(b))
		if length < attrHeader || length > len(b) {
			return out, errShort
		}
		if t := int(binary.NativeEndian.Uint16(b[2:]) & attrTypeMask); t < len(out) {
			out[t] = b[attrHeader:length]
		}
		b = b[min((length+3)&^3, len(b)):]
	}
	return out, nil
}

// The readers give zero for an attribute that is not there.

func (a *attributes) u8(t int) uint8 {
	if len(a[t]) < 1 {
		return 0
	}
	return a[t][0]
}

func (a *attributes) u16(t int) uint16 {
	if len(a[t]) < 2 {
		return 0
	}
	return binary.NativeEndian.Uint16(a[t])
}

func (a *attributes) be16(t int) uint16 {
	if len(a[t]) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(a[t])
}

func (a *attributes) u32(t int) uint32 {
	if len(a[t]) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(a[t])
}

func (a *attributes) u64(t int) uint64 {
	if len(a[t]) < 8 {
		return uint64(a.u32(t))
	}
	return binary.NativeEndian.Uint64(a[t])
}

// text reads a string, which ends with a zero byte or with the attribute.
func (a *attributes) text(t int) string {
	for i, c := range a[t] {
		if c == 0 {
			return string(a[t][:i])
		}
	}
	return string(a[t])
}
