package ipvs

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// exchangeTimeout bounds one request with all its answers. The kernel answers in microseconds,
// but may have to load a module first, or wait for another process that does.
const exchangeTimeout = 5 * time.Second

// genlHeader is struct genlmsghdr of linux/genetlink.h: command, version, two reserved bytes.
type genlHeader struct{ command, version uint8 }

const genlHeaderLen = 4

func (genlHeader) Len() int            { return genlHeaderLen }
func (h genlHeader) Serialize() []byte { return []byte{h.command, h.version, 0, 0} }

// genlSocket speaks generic netlink with one family.
type genlSocket struct {
	sock   *nl.NetlinkSocket
	family uint16
}

// dial opens a socket in the current network namespace and looks up the family of the name, at
// which the kernel loads the module if it can. The error is ErrNoIPVS where there is none.
func dial(family string) (*genlSocket, error) {
	sock, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_GENERIC)
	if err != nil {
		return nil, os.NewSyscallError("netlink socket", err)
	}
	timeout := unix.NsecToTimeval(exchangeTimeout.Nanoseconds())
	if err := errors.Join(sock.SetSendTimeout(&timeout), sock.SetReceiveTimeout(&timeout)); err != nil {
		sock.Close()
		return nil, err
	}
	g := &genlSocket{sock: sock, family: unix.GENL_ID_CTRL}
	name := nl.NewRtAttr(unix.CTRL_ATTR_FAMILY_NAME, nl.ZeroTerminated(family))
	replies, err := g.exchange(unix.CTRL_CMD_GETFAMILY, 0, name)
	for _, reply := range replies {
		a, perr := parseAttributes(reply)
		if id := a.u16(unix.CTRL_ATTR_FAMILY_ID); perr == nil && id != 0 {
			g.family = id
			return g, nil
		}
	}
	sock.Close()
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil, ErrNoIPVS
	}
	return nil, err
}

// exchange sends one command and returns what is behind the generic netlink header of each
// answer. Where others changed the table during a dump, the answers come with ErrInconsistent.
func (g *genlSocket) exchange(command uint8, flags int, attrs ...*nl.RtAttr) ([][]byte, error) {
	req := nl.NewNetlinkRequest(int(g.family), unix.NLM_F_ACK|flags)
	req.AddData(genlHeader{command, 1})
	for _, a := range attrs {
		req.AddData(a)
	}
	deadline := time.Now().Add(exchangeTimeout)
	if err := g.sock.Send(req); err != nil {
		return nil, timedOut(err)
	}
	var replies [][]byte
	var interrupted error
	for {
		messages, from, err := g.sock.Receive()
		if err != nil {
			return nil, timedOut(err)
		}
		if from.Pid != nl.PidKernel {
			continue
		}
		for _, m := range messages {
			if m.Header.Seq != req.Seq {
				continue
			}
			if m.Header.Flags&unix.NLM_F_DUMP_INTR != 0 {
				interrupted = ErrInconsistent
			}
			switch m.Header.Type {
			case unix.NLMSG_DONE, unix.NLMSG_ERROR:
				if len(m.Data) >= 4 {
					if errno := int32(binary.NativeEndian.Uint32(m.Data)); errno != 0 {
						return nil, syscall.Errno(-errno)
					}
				}
				return replies, interrupted
			}
			if len(m.Data) < genlHeaderLen {
				return nil, errShort
			}
			replies = append(replies, m.Data[genlHeaderLen:])
		}
		if time.Now().After(deadline) {
			return nil, os.ErrDeadlineExceeded
		}
	}
}

// timedOut names the error with which package nl says that its time was up.
func timedOut(err error) error {
	if errors.Is(err, unix.EAGAIN) {
		return os.ErrDeadlineExceeded
	}
	return err
}
