package check

// sockets is the engine of a set: probes that are made by the thousand, over sockets that are waited
// for together.
type sockets struct {
	*poller
	*endings
	*descriptors
	tcp  *connections
	icmp [2]*echoes // for IPv4 and IPv6
}

// The ids of the sockets for ICMP in the poller; connections have those from 0.
const (
	icmp4ID = -1
	icmp6ID = -2
)

func newSockets(shared *probers) *sockets {
	p, e, d := newPoller(), &endings{}, newDescriptors()
	return &sockets{poller: p, endings: e, descriptors: d, tcp: newConnections(p, e, d, shared),
		icmp: [2]*echoes{newEchoes(p, e, icmp4), newEchoes(p, e, icmp6)}}
}

func (s *sockets) begin(c *check) bool {
	s.quiet = 0
	switch {
	case !c.spec.Together():
		return false
	case c.spec.Kind == ICMP:
		return s.echoes(c).begin(c)
	}
	s.tcp.begin(c)
	return true
}

func (s *sockets) abandon(c *check) error {
	if c.spec.Kind == ICMP {
		return s.echoes(c).abandon(c)
	}
	return s.tcp.abandon(c)
}

// echoes are those of the family of a check's target.
func (s *sockets) echoes(c *check) *echoes {
	if c.spec.Addr.Addr().Unmap().Is4() {
		return s.icmp[0]
	}
	return s.icmp[1]
}

func (s *sockets) ended() []ending {
	for _, e := range s.icmp {
		e.flush()
	}
	s.poller.take(func(id, generation int32, events uint32) {
		switch id {
		case icmp4ID:
			s.icmp[0].receive()
		case icmp6ID:
			s.icmp[1].receive()
		default:
			s.tcp.look(id, generation, events)
		}
	})
	return s.endings.take()
}

func (s *sockets) close() {
	s.tcp.close()
	for _, e := range s.icmp {
		e.close()
	}
	s.poller.close()
}

// endings are the ends of probes that the set has not heard of.
type endings struct{ over, told []ending }

func (e *endings) end(c *check, err error) { e.over = append(e.over, ending{c: c, err: err}) }

// take returns the list, and begins another; it is good until the next call.
func (e *endings) take() []ending {
	e.told, e.over = e.over, e.told[:0]
	return e.told
}
