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

// openMoby opens a handle of moby/ipvs.
//
// It must be called only when the kernel is known to have IPVS: otherwise moby runs modprobe in
// vain, and later takes every write for a success. It is called on the goroutine of Open, whose
// network namespace is the one that is meant.
func openMoby() (*mobyServices, error) {
	logrus.SetOutput(io.Discard) // moby logs with it; nothing else here does
	handle, err := moby.New("")
	if err != nil {
		return nil, err
	}
	return &mobyServices{handle}, nil
}

// current says whether moby speaks to the family that the kernel has now: it looks up the id
// once per process, and writes to that id for ever.
func (m *mobyServices) current() (bool, error) {
	// A service that cannot be: with the right family the kernel looks for it and answers
	// ESRCH; with a family that is gone it answers ENOENT, without a family nothing.
	_, err := m.handle.GetService(&moby.Service{AddressFamily: unix.AF_INET, Address: net.IPv4zero})
	return errors.Is(err, unix.ESRCH), nil
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
