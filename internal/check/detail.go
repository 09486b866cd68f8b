package check

import (
	"net/netip"
	"strconv"
	"unique"
)

// Detail is what a check says beyond its target and its times: the socket it asks from, and the
// request. Equal details are one value in memory, of which a Detail is a pointer, so that a Spec
// that holds one is a small key.
type Detail struct{ handle unique.Handle[detail] }

type detail struct {
	socket  Socket
	request Request
}

// Request is what a checker asks for and wants to hear: a comparable value of the checker's own
// type, such as [HTTPRequest].
type Request interface {
	// Words are what it says in keepalived's words, always the same ones in the same order.
	// What is not said has an empty value.
	Words() []Word
	// suffix is what follows the target in logs, such as a path.
	suffix() string
}

// Word is one of keepalived's words with its value; empty if it is not said.
type Word struct {
	Name, Value string
	// Secret is part of the value, and never shown.
	Secret string
}

// NewDetail returns the detail of a socket and a request, either of which may be the zero value.
func NewDetail(s Socket, r Request) Detail {
	if s == (Socket{}) && r == nil {
		return Detail{}
	}
	return Detail{unique.Make(detail{s, r})}
}

// Socket returns what the check's packets are sent from.
func (d Detail) Socket() Socket { return d.value().socket }

// Request returns what is asked for, nil if the checker asks nothing in particular.
func (d Detail) Request() Request { return d.value().request }

func (d Detail) value() detail {
	if d == (Detail{}) {
		return detail{}
	}
	return d.handle.Value()
}

// Socket is where the packets of a probe come from. Its zero value leaves everything to the kernel.
type Socket struct {
	// Source is the local address, the zero value for any (bindto).
	Source netip.Addr
	// Port is the local port, 0 for any (bind_port).
	Port uint16
	// Interface is the interface that packets leave and enter by, "" for any (bind_if,
	// SO_BINDTODEVICE in socket(7)).
	Interface string
	// Mark is the firewall mark of all packets, 0 for none (fwmark, SO_MARK in socket(7)).
	Mark uint32
	// Server is the real server to which packets with the Mark are forwarded that are sent to a service
	// (through_service); the zero value for packets that go to their target itself.
	Server netip.AddrPort
}

// Words are what a socket says in keepalived's words.
func (s Socket) Words() []Word {
	source := ""
	if s.Source.IsValid() {
		source = s.Source.String()
	}
	server := ""
	if s.Server.IsValid() {
		server = s.Server.String()
	}
	return []Word{{Name: "bindto", Value: source}, {Name: "bind_port", Value: number(int(s.Port))}, {Name: "bind_if", Value: s.Interface}, {Name: "fwmark", Value: number(int(s.Mark))}, {Name: "through_service", Value: server}}
}

// number writes a number of which 0 is not said.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// flag writes a truth value of which false is not said.
func flag(b bool) string {
	if b {
		return "true"
	}
	return ""
}
