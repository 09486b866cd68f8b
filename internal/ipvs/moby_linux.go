package ipvs

import (
	"errors"
	"io"
	"net"

	moby "github.com/moby/ipvs"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// mobyServices writes services through moby/ipvs.
type mobyServices struct{ handle *moby.Handle }

// openMoby opens a handle of moby/ipvs. It returns nil where moby cannot be used: it looks up
// the kernel's family id once per process, and writes to that id for ever.
//
// It must be called only when the kernel is known to have IPVS: otherwise moby runs modprobe in
// vain, and later takes every write for a success.
func openMoby() (*mobyServices, error) {
	logrus.SetOutput(io.Discard) // moby logs with it; nothing else here does
	handle, err := moby.New("")
	if err != nil {
		return nil, err
	}
	// A service that cannot be: with the right family the kernel looks for it and answers
	// ESRCH; with a family that is gone it answers ENOENT, without a family nothing.
	_, err = handle.GetService(&moby.Service{AddressFamily: unix.AF_INET, Address: net.IPv4zero})
	if !errors.Is(err, unix.ESRCH) {
		handle.Close()
		return nil, nil
	}
	return &mobyServices{handle}, nil
}

func (m *mobyServices) close() {
	if m != nil {
		m.handle.Close()
	}
}

func (m *mobyServices) write(op Op) error {
	s := &moby.Service{
		AddressFamily: addressFamily(op.Key.Family),
		Protocol:      uint16(op.Key.Protocol),
		Address:       net.IP(op.Key.Addr.AsSlice()),
		Port:          op.Key.Port,
		FWMark:        op.Key.FWMark,
		SchedName:     op.Service.Scheduler,
		Flags:         op.Service.Flags,
		Timeout:       op.Service.Timeout,
		Netmask:       netmaskBytes(op.Key.Family, op.Service.Netmask),
		PEName:        op.Service.PEName,
	}
	switch op.Kind {
	case AddService:
		return m.handle.NewService(s)
	case EditService:
		return m.handle.UpdateService(s)
	}
	return m.handle.DelService(s)
}
