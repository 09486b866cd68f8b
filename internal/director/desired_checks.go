package director

import (
	"net/netip"
	"strings"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/script"
)

// specs are a real server's checks: one for each checker, for each URL of an HTTP checker and for
// each host of an SMTP one.
func specs(r *conf.RealServer) []check.Spec {
	var list []check.Spec
	for i := range r.Checks {
		c := &r.Checks[i]
		kind, _ := check.ParseKind(string(c.Kind))
		add := func(s *conf.Socket, q check.Request) {
			spec := check.Spec{Kind: kind, Addr: target(r, s), Timing: check.Timing(c.Timing)}
			switch kind {
			case check.ICMP:
				spec.Addr = netip.AddrPortFrom(spec.Addr.Addr(), 0)
			case check.Misc, check.File: // the program knows what it asks
				spec.Addr = netip.AddrPort{}
			}
			socket := check.Socket{Source: s.BindTo, Port: s.BindPort, Interface: s.BindIf, Mark: s.FWMark}
			if c.Through != nil {
				spec.Addr, socket.Mark, socket.Server = c.Through.Service, c.Through.Mark, r.Address
			}
			spec.Detail = check.NewDetail(socket, q)
			list = append(list, spec)
		}
		switch {
		case c.HTTP != nil:
			for i := range c.HTTP.URLs {
				add(&c.Socket, httpRequest(c.HTTP, &c.HTTP.URLs[i]))
			}
		case c.SMTP != nil && len(c.SMTP.Hosts) > 0:
			for i := range c.SMTP.Hosts {
				add(&c.SMTP.Hosts[i].Socket, check.SMTPRequest{Name: c.SMTP.HeloName})
			}
		default:
			add(&c.Socket, request(c))
		}
	}
	return list
}

// request is what a check asks for, nil if that is nothing in particular.
func request(c *conf.Check) check.Request {
	switch {
	case c.TCP != nil:
		q := check.TCPRequest{Send: c.TCP.Send}
		if c.TCP.Expect != "" {
			q.Expect.Expression, _ = conf.Regex{Pattern: c.TCP.Expect}.RE2() // it was compiled when the file was read
		}
		return q
	case c.SMTP != nil:
		return check.SMTPRequest{Name: c.SMTP.HeloName}
	case c.DNS != nil:
		q := check.DNSRequest{Name: c.DNS.Name}
		q.Type, _ = check.ParseDNSType(c.DNS.Type)
		return q
	case c.UDP != nil:
		return check.UDPRequest{Payload: c.UDP.Payload, Require: c.UDP.RequireReply, Reply: c.UDP.Reply, Mask: c.UDP.Mask,
			Min: c.UDP.MinLength, Max: c.UDP.MaxLength}
	case c.GRPC != nil:
		return check.GRPCRequest{Service: c.GRPC.Service, Host: c.GRPC.VirtualHost, TLS: c.GRPC.TLS, ServerName: c.GRPC.SNIName,
			Trust: trust(c.GRPC.SSL)}
	}
	if m := c.Misc; m != nil {
		return check.MiscRequest{Command: script.Command{Line: script.NewLine(m.Command.Words...), User: m.Command.User,
			Group: m.Command.Group, Secure: m.Secure}, Dynamic: m.Dynamic}
	}
	if c.File != nil {
		return check.FileRequest{Path: c.File.Path, Factor: c.File.Weight}
	}
	return nil
}

// trust is what is shown and believed over TLS; a nil is nothing.
func trust(ssl *conf.SSL) check.Trust {
	if ssl == nil {
		return check.Trust{}
	}
	return check.Trust{CA: ssl.CA, Certificate: ssl.Certificate, Key: ssl.Key, Password: check.Secret(ssl.Password)}
}

// target is where a check of a real server goes.
func target(r *conf.RealServer, c *conf.Socket) netip.AddrPort {
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
	q := check.HTTPRequest{Path: u.Path, Host: u.VirtualHost, Strict: u.TLSCompliant, Trust: trust(h.SSL)}
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

// checkedFiles are the names of the files that FILE_CHECKs read.
func checkedFiles(cfg *conf.Config) map[string]bool {
	names := map[string]bool{}
	for i := range cfg.Services {
		for j := range cfg.Services[i].RealServers {
			for _, c := range cfg.Services[i].RealServers[j].Checks {
				if c.File != nil {
					names[c.File.Name] = true
				}
			}
		}
	}
	return names
}
