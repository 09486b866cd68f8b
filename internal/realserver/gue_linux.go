package realserver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// port opens or closes a port of generic UDP encapsulation.
func (k *HostKernel) port(p Port, undo bool) error {
	if undo {
		return gone(p.request(netlink.FOU_CMD_DEL))
	}
	err := p.request(netlink.FOU_CMD_ADD)
	if errors.Is(err, unix.ENOENT) {
		// Unlike those of tunnels, the kernel does not load this module itself.
		module := map[uint8]string{4: "fou", 6: "fou6"}[p.Family]
		if out, failed := exec.Command("modprobe", module).CombinedOutput(); failed != nil {
			return fmt.Errorf("the kernel has no GUE, and modprobe %s: %w %s", module, failed, bytes.TrimSpace(out))
		}
		err = p.request(netlink.FOU_CMD_ADD)
	}
	return err
}

// request is a request of linux/fou.h. That of the netlink package names an IP protocol too, which the
// kernel refuses beside GUE.
func (p Port) request(command uint8) error {
	family, err := netlink.FouFamilyId()
	if err != nil {
		return err
	}
	attribute := func(kind uint16, value ...byte) []byte {
		b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofNlAttr+len(value)))
		b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
		return append(b, make([]byte, -len(b)&(unix.NLA_ALIGNTO-1))...)
	}
	r := nl.NewNetlinkRequest(family, unix.NLM_F_ACK)
	r.AddRawData(bytes.Join([][]byte{
		{command, 1, 0, 0},
		attribute(netlink.FOU_ATTR_PORT, binary.BigEndian.AppendUint16(nil, p.Number)...),
		attribute(netlink.FOU_ATTR_AF, uint8(inet(p.Family))),
		attribute(netlink.FOU_ATTR_TYPE, netlink.FOU_ENCAP_GUE),
	}, nil))
	_, err = r.Execute(unix.NETLINK_GENERIC, 0)
	return err
}
