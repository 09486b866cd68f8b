package netif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// routingSocket writes and reads routes and rules. The library's own Handle cannot put a route in
// front of another one, and knows neither the locks of metrics nor VRF rules.
type routingSocket struct{ sockets map[int]*nl.SocketHandle }

func openRouting() (*routingSocket, error) {
	s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open an rtnetlink socket: %w", err)
	}
	timeout := unix.NsecToTimeval(int64(requestTimeout / time.Nanosecond))
	err = errors.Join(s.SetSendTimeout(&timeout), s.SetReceiveTimeout(&timeout), s.SetExtAck(true))
	// The kernel itself leaves out what is not asked for: a table may have a million routes of others.
	// One before 4.20 knows no filter, and gives all; they are looked through here then.
	_ = unix.SetsockoptInt(s.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("set up an rtnetlink socket: %w", err)
	}
	return &routingSocket{map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: s}}}, nil
}

func (s *routingSocket) close() {
	if s != nil {
		s.sockets[unix.NETLINK_ROUTE].Close()
	}
}

// request sends a message and returns the answers.
func (s *routingSocket) request(kind, flags int, header *nl.RtMsg, attributes ...*nl.RtAttr) ([][]byte, error) {
	r := nl.NewNetlinkRequest(kind, flags)
	r.Sockets = s.sockets
	r.AddData(header)
	for _, a := range attributes {
		r.AddData(a)
	}
	return r.Execute(unix.NETLINK_ROUTE, 0)
}

// dump reads all routes or rules of a family that have an origin; 0 is any.
func (s *routingSocket) dump(kind, family int, origin uint8) ([][]byte, error) {
	header := &nl.RtMsg{}
	header.Family, header.Protocol = uint8(family), origin
	for range dumpAttempts - 1 {
		answers, err := s.request(kind, unix.NLM_F_DUMP, header)
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			return answers, known(err)
		}
	}
	answers, err := s.request(kind, unix.NLM_F_DUMP, header)
	if errors.Is(err, nl.ErrDumpInterrupted) {
		err = nil // the notification of the change leads to another
	}
	return answers, known(err)
}

// known is no error where a kernel does not have the family, or no rules at all: there are none then.
func known(err error) error {
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

func (k *hostKernel) openRouting() (err error) {
	if k.routing == nil {
		k.routing, err = openRouting()
	}
	return err
}

func (k *hostKernel) Routing(origins map[uint8]bool) (routes []Route, rules []Rule, err error) {
	k.origins = origins
	if err := k.openRouting(); err != nil {
		return nil, nil, err
	}
	names := make(map[int]string, len(k.links))
	for name, l := range k.links {
		names[l.index] = name
	}
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		for origin := range origins {
			answers, err := k.routing.dump(unix.RTM_GETROUTE, family, origin)
			if err != nil {
				return nil, nil, fmt.Errorf("dump routes: %w", err)
			}
			for _, b := range answers {
				if r, ok := decodeRoute(b, names); ok && r.Protocol == origin && r.inet() == family {
					routes = append(routes, r.parts()...)
				}
			}
		}
		answers, err := k.routing.dump(unix.RTM_GETRULE, family, 0)
		if err != nil {
			return nil, nil, fmt.Errorf("dump rules: %w", err)
		}
		for _, b := range answers {
			if r, ok := decodeRule(b); ok && origins[r.Protocol] && r.inet() == family {
				rules = append(rules, r.canonical())
			}
		}
	}
	return routes, rules, nil
}

// matters reports whether a notification is about something that an Applier looks after.
func (k *hostKernel) matters(n notice) bool {
	if index, ip, ok := n.renewed(); ok && k.renewals[renewal{index, ip}] > 0 {
		k.renewals[renewal{index, ip}]--
		return false
	}
	switch binary.NativeEndian.Uint16(n[4:]) {
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		return k.origins[n[unix.SizeofNlMsghdr+5]] // rtm_protocol
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		return len(k.origins) > 0
	}
	return true
}

// indexes gives the index of every interface that a route names.
func (k *hostKernel) indexes(hops []Nexthop) ([]int, error) {
	list := make([]int, len(hops))
	for i, h := range hops {
		if h.Dev == "" {
			continue
		}
		l, ok := k.links[h.Dev]
		if !ok {
			return nil, errNoDevice
		}
		list[i] = l.index
	}
	return list, nil
}

func (k *hostKernel) AddRoute(r Route) error {
	flags := unix.NLM_F_ACK | unix.NLM_F_CREATE
	switch {
	case r.Append:
		flags |= unix.NLM_F_APPEND
	case r.To.Addr().Is6():
		// The kernel would balance between it and a route of somebody else.
		flags |= unix.NLM_F_EXCL
	}
	return k.changeRoute(unix.RTM_NEWROUTE, flags, r)
}

func (k *hostKernel) DeleteRoute(r Route) error {
	if r.To.Addr().Is6() {
		r.Protocol = 0 // its nexthop tells it from others, and of several in a slot one origin is read
	}
	return k.changeRoute(unix.RTM_DELROUTE, unix.NLM_F_ACK, r)
}

func (k *hostKernel) changeRoute(kind, flags int, r Route) error {
	if err := k.openRouting(); err != nil {
		return err
	}
	indexes, err := k.indexes(r.Nexthops.List())
	if err != nil {
		return err
	}
	header, attributes := r.message(indexes)
	_, err = k.routing.request(kind, flags, header, attributes...)
	return err
}

func (k *hostKernel) AddRule(r Rule) error {
	return k.changeRule(unix.RTM_NEWRULE, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL, r)
}

func (k *hostKernel) DeleteRule(r Rule) error {
	return k.changeRule(unix.RTM_DELRULE, unix.NLM_F_ACK, r)
}

func (k *hostKernel) changeRule(kind, flags int, r Rule) error {
	if err := k.openRouting(); err != nil {
		return err
	}
	header, attributes := r.message()
	_, err := k.routing.request(kind, flags, header, attributes...)
	return err
}
