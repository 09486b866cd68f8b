package check

import (
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockaddr is an address as the kernel has it.
type sockaddr struct {
	raw    unix.RawSockaddrInet6 // the larger of the two
	length uintptr
}

// newSockaddr is the address of a port; family is AF_INET or AF_INET6. An IPv4 address that is
// written as an IPv6 one is the IPv4 address. The second result is false where the interface of the
// address's zone is not there.
func newSockaddr(addr netip.AddrPort) (s sockaddr, ok bool) {
	a := addr.Addr().Unmap()
	// The port is in network byte order on every machine.
	port := (*[2]byte)(unsafe.Pointer(&s.raw.Port))
	port[0], port[1] = byte(addr.Port()>>8), byte(addr.Port())
	if a.Is4() {
		s.raw.Family, s.length = unix.AF_INET, unix.SizeofSockaddrInet4
		(*unix.RawSockaddrInet4)(unsafe.Pointer(&s.raw)).Addr = a.As4()
		return s, true
	}
	s.raw.Family, s.length, s.raw.Addr = unix.AF_INET6, unix.SizeofSockaddrInet6, a.As16()
	s.raw.Scope_id, ok = scope(a.Zone())
	return s, ok
}

// scope is the index of the interface that a zone names (RFC 4007 §11), 0 for none.
func scope(zone string) (index uint32, ok bool) {
	if zone == "" {
		return 0, true
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index), true
	}
	n, err := strconv.ParseUint(zone, 10, 32)
	return uint32(n), err == nil
}

// family is AF_INET or AF_INET6.
func (s *sockaddr) family() int { return int(s.raw.Family) }

// connect connects a socket that does not block.
func (s *sockaddr) connect(fd int) unix.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&s.raw)), s.length)
	return errno
}

// bind gives a socket its local address.
func (s *sockaddr) bind(fd int) unix.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&s.raw)), s.length)
	return errno
}

// disconnect undoes the connect of a socket: the other side sees a reset, and the socket can be
// connected again (connect(2), AF_UNSPEC).
func disconnect(fd int) unix.Errno {
	nowhere := unix.RawSockaddrInet4{Family: unix.AF_UNSPEC}
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&nowhere)), unix.SizeofSockaddrInet4)
	return errno
}

// addr is the address, without port and zone.
func (s *sockaddr) addr() netip.Addr {
	if s.raw.Family == unix.AF_INET {
		return netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&s.raw)).Addr)
	}
	return netip.AddrFrom16(s.raw.Addr)
}
