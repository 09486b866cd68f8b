package director

import (
	"net/netip"
	"strings"

	"lvsd/internal/check"
	"lvsd/internal/conf"
)

// specs are a real server's checks: one for each checker, and for each URL of an HTTP checker.
func specs(r *conf.RealServer) []check.Spec {
	var list []check.Spec
	for i := range r.Checks {
		c := &r.Checks[i]
		kind, _ := check.ParseKind(string(c.Kind))
		s := check.Spec{Kind: kind, Addr: target(r, c), Timing: check.Timing(c.Timing)}
		if kind == check.ICMP {
			s.Addr = netip.AddrPortFrom(s.Addr.Addr(), 0)
		}
		socket := check.Socket{Source: c.BindTo, Port: c.BindPort, Interface: c.BindIf, Mark: c.FWMark}
		if len(c.HTTP.URLs) == 0 {
			s.Detail = check.NewDetail(socket, nil)
			list = append(list, s)
		}
		for i := range c.HTTP.URLs {
			s.Detail = check.NewDetail(socket, httpRequest(&c.HTTP, &c.HTTP.URLs[i]))
			list = append(list, s)
		}
	}
	return list
}

// target is where a check of a real server goes.
func target(r *conf.RealServer, c *conf.Check) netip.AddrPort {
	addr, port := r.Address.Addr(), r.Address.Port()
	if c.ConnectIP.IsValid() {
		addr = c.ConnectIP
	}
	if c.ConnectPort != 0 {
		port = c.ConnectPort
	}
	return netip.AddrPortFrom(addr, port)
}

func httpRequest(h *conf.HTTP, u *conf.URL) check.HTTPRequest {
	q := check.HTTPRequest{Path: u.Path, Host: u.VirtualHost, Strict: u.TLSCompliant}
	q.Version, _ = check.ParseHTTPVersion(h.Protocol)
	q.Digest, _ = check.ParseDigest(u.Digest)
	for _, codes := range u.StatusCodes {
		q.Status.Add(codes.First, codes.Last)
	}
	if u.Regex.Pattern != "" {
		expression, _ := u.Regex.RE2() // it was compiled when the file was read
		q.Match = check.Match{Expression: expression, UTF8: u.Regex.UTF8(), Unwanted: u.Regex.NoMatch,
			Min: u.Regex.MinOffset, Max: u.Regex.MaxOffset}
	}
	if h.SNI {
		q.ServerName = serverName(h.SNIName, u.VirtualHost)
	}
	return q
}

// serverName is the name to ask for in a TLS handshake: the given one, else that of the site. An
// address is no name (RFC 6066 §3).
func serverName(given, site string) string {
	if given != "" {
		return given
	}
	name, _, _ := strings.Cut(site, ":")
	if _, err := netip.ParseAddr(name); err == nil || strings.HasPrefix(site, "[") {
		return ""
	}
	return name
}
