package director

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"lvsd/internal/conf"
)

// This file finds the servers that an operator names.

// ErrRefused says that a request cannot be done as it stands; the text says why, and what there is.
var ErrRefused = errors.New("refused")

// refusal is an ErrRefused with nothing but its reason as text.
type refusal string

// Error implements error.
func (r refusal) Error() string { return string(r) }

// Is implements errors.Is.
func (r refusal) Is(other error) bool { return other == ErrRefused }

func refused(format string, values ...any) error { return refusal(fmt.Sprintf(format, values...)) }

// everyService stands for all virtual servers.
const everyService = "*"

// meant is a real server that is meant.
type meant struct {
	service *conf.VirtualServer
	server  *conf.RealServer
}

func (t meant) member() member { return member{serviceName(t.service), t.server.Address} }

// meantBy are the servers that are meant by two names, in the order of the configuration: one of one
// virtual server, or with everyService those of all. The error is an ErrRefused.
func meantBy(cfg *conf.Config, service, server string) ([]meant, error) {
	var among []*conf.VirtualServer
	var all []string
	for i := range cfg.Services {
		s := &cfg.Services[i]
		all = append(all, serviceName(s))
		if service == everyService || isService(s, service) {
			among = append(among, s)
		}
	}
	if i := slices.Index(all, service); i >= 0 { // a whole name may be a part of another's
		among = []*conf.VirtualServer{&cfg.Services[i]}
	}
	switch {
	case len(all) == 0:
		return nil, refused("the configuration has no virtual_server")
	case len(among) == 0:
		return nil, refused("there is no virtual_server %q; there are: %s", service, quoted(all))
	case len(among) > 1 && service != everyService:
		all = all[:0]
		for _, s := range among {
			all = append(all, serviceName(s))
		}
		return nil, refused("%q is more than one virtual_server; write one of: %s", service, quoted(all))
	}
	var found []meant
	var there []string
	for _, s := range among {
		for i := range s.RealServers {
			r := &s.RealServers[i]
			if text := r.Address.String(); !slices.Contains(there, text) {
				there = append(there, text)
			}
			if isServer(r, server) {
				found = append(found, meant{s, r})
			}
		}
	}
	of := "no virtual_server"
	if service != everyService {
		of = serviceName(among[0])
	}
	switch {
	case len(found) == 0 && service == everyService:
		return nil, refused("%s has a real_server %s; there are: %s", of, server, named(there))
	case len(found) == 0:
		return nil, refused("%s has no real_server %s; it has: %s", of, server, named(there))
	case len(found) > 1 && service != everyService:
		there = there[:0]
		for _, t := range found {
			there = append(there, t.server.Address.String())
		}
		return nil, refused("%s has more than one real_server %s; write one of: %s", of, server, named(there))
	}
	return found, nil
}

// maxNamed bounds how many names one message has.
const maxNamed = 20

func named(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	text := strings.Join(names[:min(len(names), maxNamed)], ", ")
	if more := len(names) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d others", more)
	}
	return text
}

func quoted(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = strconv.Quote(name)
	}
	return named(all)
}

// isServer tells whether a text names a real server: by address and port, or by its address alone.
func isServer(r *conf.RealServer, text string) bool {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at == r.Address
	}
	a, err := netip.ParseAddr(text)
	return err == nil && a == r.Address.Addr()
}

// isService tells whether a text names a virtual server: "TCP 192.168.2.11:80", "192.168.2.11:80",
// "192.168.2.11:80/udp", "192.168.2.11", "fwmark 100", "fwmark:100", "fwmark 100 IPv6", "group web".
func isService(s *conf.VirtualServer, text string) bool {
	text, family := cutFamily(text)
	text, protocol := cutProtocol(text)
	if protocol != "" && !strings.EqualFold(protocol, string(s.Protocol)) {
		return false
	}
	kind, name := text, ""
	if i := strings.IndexAny(text, " :"); i > 0 {
		kind, name = text[:i], text[i+1:]
	}
	switch {
	case strings.EqualFold(kind, "group"):
		return s.Group != "" && name == s.Group && family == 0
	case strings.EqualFold(kind, "fwmark"), strings.EqualFold(kind, "FWM"):
		mark, err := strconv.ParseUint(name, 10, 32)
		return err == nil && mark != 0 && s.FWMark == uint32(mark) && (family == 0 || family == s.Family)
	case family != 0 || !s.Address.IsValid():
		return false
	}
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at == s.Address
	}
	a, err := netip.ParseAddr(text)
	return err == nil && a == s.Address.Addr()
}

// cutFamily takes "IPv4" or "IPv6" off the end of a name; 0 is neither.
func cutFamily(text string) (rest string, family uint8) {
	for name, family := range map[string]uint8{"ipv4": 4, "ipv6": 6} {
		if before, last := cutEnd(text, name); last {
			return before, family
		}
	}
	return text, 0
}

// cutProtocol takes a protocol off a name, after a slash or before a space.
func cutProtocol(text string) (rest, protocol string) {
	for _, p := range []conf.Protocol{conf.TCP, conf.UDP, conf.SCTP} {
		if rest, last := cutEnd(text, string(p)); last {
			return rest, string(p)
		}
		if first, rest, more := strings.Cut(text, " "); more && strings.EqualFold(first, string(p)) {
			return strings.TrimSpace(rest), string(p)
		}
	}
	return text, ""
}

// cutEnd takes a word, in any case, and the slash or space before it off the end of a text.
func cutEnd(text, word string) (before string, found bool) {
	n := len(text) - len(word) - 1
	if n <= 0 || !strings.EqualFold(text[n+1:], word) || text[n] != '/' && text[n] != ' ' {
		return text, false
	}
	return text[:n], true
}
