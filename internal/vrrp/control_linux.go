package vrrp

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file speaks the control messages of ip(7) and ipv6(7) without allocating: package unix makes
// a new address for every packet that it receives.

// controlSize holds the control messages of a packet.
const controlSize = 128

// appendControl writes one control message with room for size bytes to b, and returns these.
func appendControl(b []byte, level, kind, size int) (all, data []byte) {
	start := len(b)
	all = b[:start+unix.CmsgSpace(size)]
	clear(all[start:])
	h := (*unix.Cmsghdr)(unsafe.Pointer(&all[start]))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(unix.CmsgLen(size))
	return all, all[start+unix.CmsgLen(0) : start+unix.CmsgLen(size)]
}

// sendControl writes what an advert is sent with to the memory of b, controlSize bytes.
func sendControl(b []byte, a *Advert, index int) []byte {
	b = b[:0]
	var data []byte
	if a.Source.Is6() {
		b, data = appendControl(b, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo)
		info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
		info.Addr, info.Ifindex = a.Source.As16(), uint32(index)
		b, data = appendControl(b, unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, 4)
	} else {
		b, data = appendControl(b, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)
		info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0]))
		info.Spec_dst, info.Ifindex = a.Source.As4(), int32(index)
		b, data = appendControl(b, unix.IPPROTO_IP, unix.IP_TTL, 4)
	}
	*(*int32)(unsafe.Pointer(&data[0])) = int32(a.HopLimit)
	return b
}

// arrival is what the kernel tells of a packet beside its content. Of IPv4, whose packets come with
// their header, it is the time alone.
type arrival struct {
	source      netip.Addr
	destination netip.Addr
	hops        uint8
	stamp       int64 // when the host received it: ns since 1970, by the clock that can be set

	header  unix.Msghdr
	vector  unix.Iovec
	from    unix.RawSockaddrInet6
	control [controlSize]byte
}

// receive reads a packet into buf.
func (r *arrival) receive(fd int, buf []byte) (int, error) {
	r.vector.Base = &buf[0]
	r.vector.SetLen(len(buf))
	r.header = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&r.from)), Namelen: unix.SizeofSockaddrInet6,
		Iov: &r.vector, Control: &r.control[0]}
	r.header.SetIovlen(1)
	r.header.SetControllen(controlSize)
	n, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.header)), unix.MSG_DONTWAIT)
	if errno != 0 {
		return 0, errno
	}
	r.stamp = 0
	r.read(r.control[:r.header.Controllen])
	if r.from.Family == unix.AF_INET6 {
		r.source = netip.AddrFrom16(r.from.Addr)
	}
	return int(n), nil
}

// maxWaited is for how long a packet waits at most while this thread is being woken. Any longer, and the
// thread was stalled or the clock was set.
const maxWaited = time.Millisecond

// at is when the packet arrived, if it is read at now: what the thread takes to be woken is not to lengthen
// the time until a takeover. After a stall it is now.
func (r *arrival) at(now time.Time) time.Time {
	if waited := time.Duration(now.UnixNano() - r.stamp); waited > 0 && waited <= maxWaited {
		return now.Add(-waited)
	}
	return now
}

// read reads control messages.
func (r *arrival) read(b []byte) {
	for len(b) >= unix.CmsgLen(0) {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return
		}
		switch {
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
			r.stamp = (*unix.Timespec)(unsafe.Pointer(&data[0])).Nano()
		case h.Level != unix.IPPROTO_IPV6:
		case h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			r.destination = netip.AddrFrom16([16]byte(data))
		case h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			r.hops = uint8(*(*int32)(unsafe.Pointer(&data[0])))
		}
		b = rest
	}
}
