package ipvs

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// OpKind says what an Op does.
type OpKind uint8

// The kinds of Op.
const (
	AddService OpKind = iota + 1
	EditService
	DeleteService
	AddDestination
	EditDestination
	DeleteDestination
	SetTimeouts
	StartDaemon
	StopDaemon
	SetSysctl
	LoadFTP
)

// String is the kind in words: "add service".
func (k OpKind) String() string {
	switch k {
	case AddService:
		return "add service"
	case EditService:
		return "edit service"
	case DeleteService:
		return "delete service"
	case AddDestination:
		return "add destination"
	case EditDestination:
		return "edit destination"
	case DeleteDestination:
		return "delete destination"
	case SetTimeouts:
		return "set timeouts"
	case StartDaemon:
		return "start sync daemon"
	case StopDaemon:
		return "stop sync daemon"
	case SetSysctl:
		return "set sysctl"
	case LoadFTP:
		return "load ip_vs_ftp"
	}
	return fmt.Sprintf("operation %d", uint8(k))
}

// Op is one write to the kernel's table or settings. It is comparable.
type Op struct {
	Kind OpKind
	Key  ServiceKey
	// Service is what the service becomes, with AddService and EditService.
	Service Service
	// Address is the destination, with the three kinds that have one.
	Address netip.AddrPort
	// Destination is what the destination becomes, with AddDestination and EditDestination.
	Destination Destination
	// Timeouts are what they become, with SetTimeouts.
	Timeouts Timeouts
	// State and Daemon are a daemon, with StartDaemon and StopDaemon.
	State  DaemonState
	Daemon Daemon
	// Sysctl is what a parameter was and becomes, with SetSysctl.
	Sysctl SysctlDifference
}

// String says what the operation does: "add destination 10.10.10.11:80 to TCP 192.168.2.11:80
// (NAT weight 1)".
func (o Op) String() string {
	switch o.Kind {
	case AddService, EditService:
		return fmt.Sprintf("%s %s (%s)", o.Kind, o.Key, o.Service)
	case AddDestination:
		return fmt.Sprintf("%s %s to %s (%s)", o.Kind, o.Address, o.Key, o.Destination)
	case EditDestination:
		return fmt.Sprintf("%s %s of %s (%s)", o.Kind, o.Address, o.Key, o.Destination)
	case DeleteDestination:
		return fmt.Sprintf("%s %s of %s", o.Kind, o.Address, o.Key)
	case SetTimeouts:
		return fmt.Sprintf("%s tcp %d tcpfin %d udp %d", o.Kind, o.Timeouts.TCP, o.Timeouts.TCPFin, o.Timeouts.UDP)
	case SetSysctl:
		return fmt.Sprintf("%s %s from %d to %d", o.Kind, o.Sysctl.Sysctl, o.Sysctl.Has, o.Sysctl.Want)
	case LoadFTP:
		return o.Kind.String()
	case StartDaemon, StopDaemon:
		return fmt.Sprintf("%s %s on %s", o.Kind, o.State, o.Daemon)
	}
	return fmt.Sprintf("%s %s", o.Kind, o.Key)
}

// onService says whether the operation is on a service itself.
func (o Op) onService() bool {
	switch o.Kind {
	case AddService, EditService, DeleteService:
		return true
	}
	return false
}

// takes says whether the operation can take away what gets new connections.
func (o Op) takes() bool {
	switch o.Kind {
	case DeleteService, DeleteDestination:
		return true
	case EditDestination:
		return o.Destination.Weight == 0
	}
	return false
}

// onDestination says whether the operation is on a destination: it cannot succeed while its
// service is not there.
func (o Op) onDestination() bool {
	switch o.Kind {
	case AddDestination, EditDestination, DeleteDestination:
		return true
	}
	return false
}

// check says what is wrong with an operation that no kernel can be asked to do.
func (o Op) check() error {
	if o.onSettings() {
		return nil
	}
	if err := o.Key.check(); err != nil {
		return fmt.Errorf("%w: %w", err, unix.EINVAL)
	}
	if o.onDestination() && !validAddr(o.Address.Addr()) {
		return fmt.Errorf("address %q is neither IPv4 nor IPv6: %w", o.Address, unix.EINVAL)
	}
	return nil
}
