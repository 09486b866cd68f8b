package conf

import (
	"net/netip"
	"time"

	"lvsd/internal/conf/keepalived"
)

// inheritance are the words that a check inherits: its own, else the real server's, else the
// virtual server's, else the default. A nil is a word that nobody wrote yet.
type inheritance struct {
	interval, timeout, delay, warmup *time.Duration
	retry, rise                      *int
	alpha                            *bool
	virtualHost                      string         // "" is nobody's
	miscTimeout                      *time.Duration // of MISC_CHECK, which inherits it from nobody
}

// optional is the time that a word says, and else what was said before.
func (d *decoder) optional(n *keepalived.Node, lo time.Duration, before *time.Duration) *time.Duration {
	var v time.Duration
	if !d.duration(n, lo, maxDuration, &v) {
		return before
	}
	return &v
}

// inherited stores one of the words that a check inherits and lets others be.
func (d *decoder) inherited(n *keepalived.Node, to *inheritance) {
	switch n.Name {
	case "delay_loop":
		to.interval = d.optional(n, minDuration, to.interval)
	case "connect_timeout":
		to.timeout = d.optional(n, minDuration, to.timeout)
	case "delay_before_retry":
		to.delay = d.optional(n, 0, to.delay)
	case "warmup":
		to.warmup = d.optional(n, 0, to.warmup)
	case "retry":
		var retry int
		if d.whole(n, 0, maxRetry, &retry) {
			to.retry = &retry
		}
	case "fall": // lvsd's own word for retry, which does not count the first failure
		var fall int
		if d.whole(n, 1, maxRetry+1, &fall) {
			fall--
			to.retry = &fall
		}
	case "rise":
		var rise int
		if d.whole(n, 1, maxRetry, &rise) {
			to.rise = &rise
		}
	case "alpha":
		var alpha bool
		if d.flag(n, &alpha) {
			to.alpha = &alpha
		}
	case "virtualhost":
		d.hostName(n, &to.virtualHost)
	}
}

// timing is what a check of a kind has inherited, with the defaults of what nobody wrote.
func (d *decoder) timing(from inheritance, kind CheckKind) Timing {
	def := d.front.defaults
	t := Timing{Interval: def.Interval, Timeout: def.Timeout, Retry: def.Retry, Rise: 1, DelayBeforeRetry: def.DelayBeforeRetry}
	set(&t.Interval, from.interval)
	switch kind {
	case HTTPGet, SSLGet:
		t.DelayBeforeRetry = def.HTTPDelay
	case MiscCheck:
		t.Retry, t.Timeout, from.timeout = def.MiscRetry, t.Interval, from.miscTimeout
	case DNSCheck:
		t.Retry = def.DNSRetry
		if def.DNSDelay != 0 {
			t.DelayBeforeRetry = def.DNSDelay
		} else {
			t.DelayBeforeRetry = t.Interval
		}
	}
	set(&t.Timeout, from.timeout)
	set(&t.DelayBeforeRetry, from.delay)
	set(&t.Retry, from.retry)
	set(&t.Rise, from.rise)
	set(&t.Alpha, from.alpha)
	t.Warmup = t.Interval
	set(&t.Warmup, from.warmup)
	return t
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// checkWords read the statements of a checker's block that not every checker has, of which it
// inherits some.
type checkWords func(d *decoder, n *keepalived.Node, own inheritance, to *Check)

// words is what reads the words of a kind of check which the others do not have, and false where
// there is no such kind.
func (k CheckKind) words() (read checkWords, known bool) {
	switch k {
	case PingCheck:
		return nil, true
	case TCPCheck:
		return (*decoder).tcp, true
	case HTTPGet, SSLGet:
		return (*decoder).http, true
	case SMTPCheck:
		return (*decoder).smtp, true
	case DNSCheck:
		return (*decoder).dns, true
	case UDPCheck:
		return (*decoder).udp, true
	case GRPCCheck:
		return (*decoder).grpc, true
	case MiscCheck:
		return (*decoder).misc, true
	case FileCheck:
		return (*decoder).fileCheck, true
	}
	return nil, false
}

// Known tells whether it is one of the kinds of check.
func (k CheckKind) Known() bool {
	_, known := k.words()
	return known
}

func isChecker(name string) bool { return CheckKind(name).Known() }

func (d *decoder) check(n *keepalived.Node, own inheritance, r *RealServer) {
	c := Check{Kind: CheckKind(n.Name), Range: n.Range}
	log := d.global.logAllFailures
	d.singles(n, func(name string) bool { return name == "url" || name == "host" }, func(w *keepalived.Node) {
		switch w.Name {
		case "log_all_failures":
			d.flag(w, &log)
			return
		case "through_service":
			if through := false; d.flag(w, &through) && through {
				c.Through = &Through{}
			}
			return
		}
		d.socket(w, &c.Socket)
		d.inherited(w, &own)
	})
	d.eitherFall(n)
	if w := child(n, "misc_timeout"); w != nil {
		var v time.Duration
		if d.duration(w, minDuration, maxDuration, &v) {
			own.miscTimeout = &v
		}
	}
	if read, _ := c.Kind.words(); read != nil {
		read(d, n, own, &c)
	}
	c.Timing = d.timing(own, c.Kind)
	c.LogAllFailures = log
	if c.Kind == FileCheck {
		c.Timing = fileTiming()
	}
	switch {
	case c.Kind == MiscCheck || c.Kind == FileCheck:
	case c.SMTP != nil && len(c.SMTP.Hosts) > 0:
		hosts := c.SMTP.Hosts
		each(n, func(w *keepalived.Node) {
			if w.Name == "host" {
				d.validateSocket(w, c.Kind, hosts[0].Socket, r)
				hosts = hosts[1:]
			}
		})
	default:
		d.validateSocket(n, c.Kind, c.Socket, r)
	}
	r.Checks = append(r.Checks, c)
}

// each calls do for the statements of a block, of which the caller has reported those that stand
// twice.
func each(n *keepalived.Node, do func(*keepalived.Node)) {
	for _, c := range n.Children {
		do(c)
	}
}

func has(n *keepalived.Node, name string) bool { return child(n, name) != nil }

// child is the first statement of a block with a name, nil if there is none.
// eitherFall reports a block that says the same in two ways.
func (d *decoder) eitherFall(n *keepalived.Node) {
	if fall := child(n, "fall"); fall != nil && child(n, "retry") != nil {
		d.errorf(fall.Range, "fall and retry say the same: fall is one more; remove one")
	}
}

// statements is how many of them have a name.
func statements(nodes []*keepalived.Node, name string) (n int) {
	for _, c := range nodes {
		if c.Name == name {
			n++
		}
	}
	return n
}

func child(n *keepalived.Node, name string) *keepalived.Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// socket reads a word about where a probe goes or comes from, and lets others be.
func (d *decoder) socket(n *keepalived.Node, to *Socket) {
	switch n.Name {
	case "connect_ip":
		d.hostAddress(n, &to.ConnectIP)
	case "connect_port":
		d.port(n, &to.ConnectPort)
	case "bindto":
		d.hostAddress(n, &to.BindTo)
	case "bind_port":
		d.port(n, &to.BindPort)
	case "bind_if":
		if w, ok := first(n); ok {
			d.interfaceName(n.Keyword.Text, w, &to.BindIf)
		}
	case "fwmark":
		if w, ok := first(n); ok {
			d.mark(w, &to.FWMark)
		}
	}
}

// hostAddress reads the address of one machine.
func (d *decoder) hostAddress(n *keepalived.Node, to *netip.Addr) {
	var both netip.AddrPort
	if d.serverAddress(n, &both) {
		*to = both.Addr()
	}
}

// port reads a port by number or name.
func (d *decoder) port(n *keepalived.Node, to *uint16) {
	w, ok := first(n)
	if !ok {
		return
	}
	number, ok := port(w.Text)
	if !ok || number == 0 {
		d.errorf(w.Range, "%s is a whole number from 1 to 65535 or a service such as https, not %q", n.Keyword.Text, w.Text)
		return
	}
	*to = number
}

// validateSocket holds a check's addresses to those of its server.
func (d *decoder) validateSocket(n *keepalived.Node, kind CheckKind, c Socket, r *RealServer) {
	target := r.Address.Addr()
	if c.ConnectIP.IsValid() {
		target = c.ConnectIP
	}
	if !target.IsValid() {
		return // which was reported
	}
	at := func(word string) *keepalived.Node {
		if w := child(n, word); w != nil {
			return w
		}
		return n
	}
	if c.BindTo.IsValid() && c.BindTo.Is4() != target.Is4() {
		d.errorf(at("bindto").Range, "bindto %s cannot reach %s, which is of the other family; write an address of the same", c.BindTo, target)
	}
	if target.Is6() && target.IsLinkLocalUnicast() && c.BindIf == "" {
		d.errorf(at("connect_ip").Range, "%s means nothing without its interface (RFC 4007); write bind_if", target)
	}
	if kind != PingCheck && r.Address.Port() == 0 && c.ConnectPort == 0 {
		d.warnf(n.Range, "%s has no port to connect to, and will fail: real_server %s has port 0; write connect_port", kind, r.Address.Addr())
	}
}

// uplinkGuard reads "uplink_guard ADDRESS [INTERFACE]".
func (d *decoder) uplinkGuard(n *keepalived.Node) {
	w, ok := first(n)
	if !ok {
		return
	}
	addr, err := netip.ParseAddr(w.Text)
	if err != nil || addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast() {
		d.errorf(w.Range, "uplink_guard takes the address of a machine that always answers, such as 10.10.10.254, not %q", w.Text)
		return
	}
	d.cfg.UplinkGuard = UplinkGuard{Address: addr.Unmap()}
	if len(n.Args) > 1 {
		d.interfaceName("uplink_guard", n.Args[1], &d.cfg.UplinkGuard.Interface)
	} else if addr.Is6() && addr.IsLinkLocalUnicast() {
		d.errorf(w.Range, "%s means nothing without its interface (RFC 4007); write it behind the address", addr)
	}
}
