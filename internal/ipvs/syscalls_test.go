package ipvs

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// countedWire is a wire whose kernel takes everything, has an empty table, and counts. It answers as
// the kernel does: to what asks for it, in one message each.
type countedWire struct {
	sends, receives int
	commands        []uint8
	answers         [][]byte
}

const (
	countedFamily = 32
	cmdGetFamily  = 100 + unix.CTRL_CMD_GETFAMILY // told apart from the commands of IPVS
)

func (w *countedWire) until(time.Time) error { return nil }
func (w *countedWire) close()                {}

func (w *countedWire) send(b []byte) error {
	w.sends++
	for len(b) > 0 {
		length := binary.NativeEndian.Uint32(b)
		kind, flags, sequence := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:]), binary.NativeEndian.Uint32(b[8:])
		command := b[netlinkHeaderLen]
		if kind == unix.GENL_ID_CTRL {
			command += 100
		}
		w.commands = append(w.commands, command)
		var m message
		switch {
		case command == cmdGetFamily:
			m.request(unix.GENL_ID_CTRL, unix.CTRL_CMD_NEWFAMILY, 0, sequence, func(m *message) { m.u16(unix.CTRL_ATTR_FAMILY_ID, countedFamily) })
		case command == cmdGetConfig:
			m.request(countedFamily, cmdSetConfig, 0, sequence, func(m *message) { m.timeouts(Timeouts{TCP: 900, TCPFin: 120, UDP: 300}) })
		}
		if flags&unix.NLM_F_ACK != 0 {
			m.b = append(m.b, answer(sequence, 0)...)
		}
		if len(m.b) > 0 {
			w.answers = append(w.answers, m.b)
		}
		b = b[length:]
	}
	return nil
}

func (w *countedWire) receive(b []byte) (int, error) {
	w.receives++
	if len(w.answers) == 0 {
		return 0, unix.EAGAIN
	}
	n := copy(b, w.answers[0])
	w.answers = w.answers[1:]
	return n, nil
}

// countedKernel is one whose system calls on netlink are counted.
func countedKernel(t *testing.T) (*countedWire, func() (Kernel, error)) {
	t.Helper()
	w := &countedWire{}
	return w, func() (Kernel, error) {
		g, err := speak(w, "IPVS")
		return &netlinkKernel{genl: g}, err
	}
}

// A verdict that takes one server out of ten thousand, or gives it another weight, costs two system
// calls: one that asks, one that reads the answer. A table that is wanted again costs none.
func TestOneOfTenThousandServersCostsTwoSystemCalls(t *testing.T) {
	for name, size := range map[string][2]int{"100 x 100": {100, 100}, "10000 x 1": {10000, 1}, "1 x 10000": {1, 10000}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, open := countedKernel(t)
				var l loop
				l.start(Options{Open: open, Resync: time.Hour})
				generation := uint64(0)
				step := func(table Table) Report {
					generation++
					r, _ := l.step(t.Context(), &wanted{generation: generation, table: table.Wanted()}, func() bool { return false })
					if r.Err != nil || r.Pending != 0 || r.Generation != generation {
						t.Fatalf("report of generation %d: %v, %d pending", r.Generation, r.Err, r.Pending)
					}
					return r
				}
				step(sized(size[0], size[1]))
				key := ServiceKey{Family: 4, Protocol: unix.IPPROTO_TCP, Addr: netip.MustParseAddr("192.168.0.0"), Port: 80}
				server := netip.MustParseAddrPort("10.0.0.0:80")
				removed, weighted := sized(size[0], size[1]), sized(size[0], size[1])
				delete(removed[key].Destinations, server)
				weighted[key].Destinations[server] = Destination{Weight: 7}
				for _, tc := range []struct {
					what     string
					table    Table
					commands []uint8
				}{
					{"removal", removed, []uint8{cmdDelDest}},
					{"return", sized(size[0], size[1]), []uint8{cmdNewDest}},
					{"weight", weighted, []uint8{cmdSetDest}},
					{"nothing new", weighted, nil},
				} {
					w.sends, w.receives, w.commands = 0, 0, nil
					step(tc.table)
					if calls := w.sends + w.receives; calls != 2*len(tc.commands) || !slices.Equal(w.commands, tc.commands) {
						t.Errorf("%s: %d sends, %d receives, commands %v", tc.what, w.sends, w.receives, w.commands)
					}
				}
			})
		})
	}
}

// A table from nothing is written in few system calls.
func TestTenThousandServersAreWrittenInBatches(t *testing.T) {
	w, open := countedKernel(t)
	var l loop
	l.start(Options{Open: open, Resync: time.Hour})
	r, _ := l.step(t.Context(), &wanted{generation: 1, table: sized(10000, 1).Wanted()}, func() bool { return false })
	if r.Err != nil || len(r.Applied) != 20000 {
		t.Fatalf("%d operations, %v", len(r.Applied), r.Err)
	}
	if calls := w.sends + w.receives; calls > 2*20000/100 {
		t.Errorf("%d system calls for %d operations", calls, len(r.Applied))
	}
}

// Each operation of a batch has its own error, whichever of them is refused.
func TestABatchTellsItsErrorsApart(t *testing.T) {
	refused := map[int]unix.Errno{0: unix.EEXIST, 3: unix.ENOENT, 4: unix.EINVAL}
	for _, n := range []int{1, 2, 4, 5, 6} {
		w := &refusingWire{refused: refused}
		g := &genlSocket{wire: w, family: countedFamily, sequence: 77, in: make([]byte, receiveLen)}
		w.answers = append(w.answers, answer(77, unix.EPERM)) // late, of an exchange that was given up
		errs := g.batch(n, func(i int, m *message, flags uint16, sequence uint32) {
			m.request(g.family, cmdDelService, flags, sequence, nil)
		})
		for i, err := range errs {
			if want, ok := refused[i]; ok && err != error(want) || !ok && err != nil {
				t.Errorf("%d of %d: %v", i, n, err)
			}
		}
	}
	// Answers that are lost leave the errors of those open that they were for.
	w := &refusingWire{refused: refused, lost: true}
	g := &genlSocket{wire: w, family: countedFamily, in: make([]byte, receiveLen)}
	errs := g.batch(6, func(_ int, m *message, flags uint16, sequence uint32) {
		m.request(g.family, cmdDelService, flags, sequence, nil)
	})
	if errs[0] != error(unix.EEXIST) || errs[5] != error(unix.ENOBUFS) {
		t.Errorf("with answers lost: %v", errs)
	}
}

// refusingWire answers the n-th request of a batch with the error that is told; with lost, all but the
// first answer are.
type refusingWire struct {
	refused map[int]unix.Errno
	lost    bool
	answers [][]byte
}

func (w *refusingWire) until(time.Time) error { return nil }
func (w *refusingWire) close()                {}

func (w *refusingWire) send(b []byte) error {
	for i := 0; len(b) > 0; i++ {
		sequence := binary.NativeEndian.Uint32(b[8:])
		errno, refused := w.refused[i]
		if refused || binary.NativeEndian.Uint16(b[6:])&unix.NLM_F_ACK != 0 {
			w.answers = append(w.answers, answer(sequence, errno))
		}
		b = b[binary.NativeEndian.Uint32(b):]
	}
	return nil
}

func (w *refusingWire) receive(b []byte) (int, error) {
	if len(w.answers) == 0 {
		return 0, unix.ENOBUFS
	}
	n := copy(b, w.answers[0])
	w.answers = w.answers[1:]
	if w.lost {
		w.answers = nil
	}
	return n, nil
}

// answer is an acknowledgement, or with an errno a refusal (struct nlmsgerr).
func answer(sequence uint32, errno unix.Errno) []byte {
	var m message
	m.request(unix.NLMSG_ERROR, 0, 0, sequence, nil)
	binary.NativeEndian.PutUint32(m.b[len(m.b)-genlHeaderLen:], uint32(-int32(errno)))
	return m.b
}
