package convert

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf"
)

// ipvsService is one service of ipvsadm's rules.
type ipvsService struct {
	address     netip.AddrPort
	mark        uint32
	family      uint8         // of the packets with the mark, 4 or 6; 0 for an address
	protocol    conf.Protocol // empty for a mark
	scheduler   string
	persistence string   // its timeout in seconds; empty is none
	netmask     string   // of clients that stay together; empty is each for itself
	engine      string   // of persistence; empty is none
	flags       []string // of the scheduler, as words of lvsd; ops is one of them
	servers     []ipvsServer
	lead        []string
	at          hcl.Range
}

type ipvsServer struct {
	address    netip.AddrPort
	forwarding conf.Forwarding
	tunnel     conf.Tunnel // of TUN
	weight     int
	upper      string // connections at which it gets no more; empty is none
	lower      string // to which they have to fall then; empty is the kernel's choice
	lead       []string
	at         hcl.Range
}

// sameService says whether two rules are about one service.
func (s *ipvsService) sameService(o *ipvsService) bool {
	return s.address == o.address && s.mark == o.mark && s.family == o.family && s.protocol == o.protocol
}

// ipvsRules reads the commands of a script, or what ipvsadm -S wrote.
func (j *job) ipvsRules(lines []line) {
	for _, l := range lines {
		words := l.words
		switch program := filepath.Base(words[0].text); {
		case strings.HasPrefix(program, "-"):
			j.ipvsCommand(l, words)
		case program == "ipvsadm":
			if len(words) > 1 {
				j.ipvsCommand(l, words[1:])
			}
		default:
			j.report.add(Ignored, words[0].at, words[0].text, "%s", otherCommand(program, words))
		}
	}
}

// otherCommand says why a line of a script is not carried over.
func otherCommand(program string, words []word) string {
	text := ""
	for _, w := range words {
		text += " " + w.text
	}
	switch {
	case program == "ipchains" || program == "iptables" || program == "ipfwadm":
		if strings.Contains(text, "MASQ") || strings.Contains(text, " masq") {
			return "IPVS translates the replies of real servers itself; masquerading of what they send on their own is not carried over: write masquerade in global_defs if they need it"
		}
		return "lvsd writes no rules of a packet filter: keep it"
	case program == "echo" && strings.Contains(text, "ip_forward"):
		return "lvsd sets net.ipv4.ip_forward itself"
	case program == "modprobe" || program == "insmod":
		return "the kernel loads the modules of IPVS when they are needed"
	}
	return "it is no command of ipvsadm"
}

// ipvsOptions are the options of one command, by their short letters.
type ipvsOptions struct {
	command byte // A, E, a, e, C, D, d; 0 is none
	service word // behind -t, -u or -f
	kind    byte // t, u, f, k for SCTP
	values  map[byte]word
	flags   map[byte]bool
}

// long are ipvsadm's long options by their letters, ipvsadm(8).
func long() map[string]byte {
	return map[string]byte{
		"add-service": 'A', "edit-service": 'E', "delete-service": 'D', "add-server": 'a', "edit-server": 'e',
		"delete-server": 'd', "clear": 'C', "tcp-service": 't', "udp-service": 'u', "fwmark-service": 'f', "sctp-service": 'k', "pe": 'P',
		"scheduler": 's', "persistent": 'p', "netmask": 'M', "real-server": 'r', "masquerading": 'm',
		"gatewaying": 'g', "ipip": 'i', "weight": 'w', "u-threshold": 'x', "l-threshold": 'y', "ops": 'o',
		"ipv6": '6', "sched-flags": 'b', "numeric": 'n', "restore": 'R', "save": 'S', "list": 'L', "zero": 'Z',
		"tun-type": tunType, "tun-port": tunPort, "tun-nocsum": tunNoChecksum, "tun-csum": tunChecksum, "tun-remcsum": tunRemoteChecksum,
	}
}

// ipvsCommand reads one command: its options in any order, letters put together or not.
func (j *job) ipvsCommand(l line, words []word) {
	o := ipvsOptions{values: map[byte]word{}, flags: map[byte]bool{}}
	for _, w := range words {
		if strings.ContainsAny(w.text, "$`;&|<>") {
			j.errorf(w.at, "%q is for a shell, which is not run here; write out what it stands for", w.text)
			return
		}
	}
	for len(words) > 0 {
		w := words[0]
		words = words[1:]
		name, isLong := strings.CutPrefix(w.text, "--")
		switch {
		case isLong:
			text, value, with := strings.Cut(name, "=")
			letter := long()[text]
			if letter == 0 {
				j.report.add(Ignored, w.at, w.text, "lvsd has no word for this command of ipvsadm")
				return
			}
			rest := word{value, w.at}
			words = j.option(&o, letter, rest, with, words)
		case len(w.text) > 1 && w.text[0] == '-':
			for k := 1; k < len(w.text); k++ {
				letter := w.text[k]
				if strings.IndexByte("tufsrwpMxyb", letter) >= 0 {
					words = j.option(&o, letter, word{w.text[k+1:], w.at}, k+1 < len(w.text), words)
					break
				}
				words = j.option(&o, letter, word{}, false, words)
			}
		default:
			j.errorf(w.at, "Unexpected %q in a command of ipvsadm", w.text)
			return
		}
	}
	j.ipvsRule(l, &o)
}

// option takes one option, with its value where it has one: given with it, or the next word.
func (j *job) option(o *ipvsOptions, letter byte, value word, given bool, words []word) []word {
	takes := strings.IndexByte("tufksrwMxybP", letter) >= 0 || letter == tunType || letter == tunPort
	if letter == 'p' && !given && len(words) > 0 && strings.Trim(words[0].text, "0123456789") == "" {
		takes = true
	}
	if takes && !given && len(words) > 0 {
		value, words = words[0], words[1:]
	}
	switch letter {
	case 'A', 'E', 'a', 'e', 'C', 'D', 'd', 'R', 'S', 'L', 'l', 'Z':
		o.command = letter
	case 't', 'u', 'f', 'k':
		o.kind, o.service = letter, value
	default:
		o.flags[letter] = true
		o.values[letter] = value
	}
	return words
}

// ipvsRule does what a command says to the list of services.
func (j *job) ipvsRule(l line, o *ipvsOptions) {
	at := l.at()
	switch o.command {
	case 'C':
		j.ipvs = nil
		return
	case 'A', 'E', 'a', 'e':
	case 'D', 'd':
		j.errorf(at, "This command takes away what another one made; leave both out")
		return
	default:
		j.report.add(Ignored, at, "ipvsadm", "it changes no rule")
		return
	}
	s, ok := j.ipvsService(o, at)
	if !ok {
		return
	}
	var there *ipvsService
	for _, other := range j.ipvs {
		if other.sameService(s) {
			there = other
		}
	}
	if o.command == 'A' || o.command == 'E' {
		s.lead = l.lead
		if there != nil {
			s.servers = there.servers
			*there = *s
			return
		}
		j.ipvs = append(j.ipvs, s)
		return
	}
	if there == nil {
		j.errorf(at, "There is no service %s; add it with ipvsadm -A before its servers", o.service.text)
		return
	}
	j.ipvsServer(l, o, there)
}

func (j *job) ipvsService(o *ipvsOptions, at hcl.Range) (*ipvsService, bool) {
	s := &ipvsService{scheduler: "wlc", at: at}
	switch o.kind {
	case 't', 'u', 'k':
		s.protocol = map[byte]conf.Protocol{'t': conf.TCP, 'u': conf.UDP, 'k': conf.SCTP}[o.kind]
		if !j.addrPort(o.service, 0, &s.address) {
			return nil, false
		}
	case 'f':
		mark, err := strconv.ParseUint(o.service.text, 0, 32)
		if err != nil || mark == 0 {
			j.errorf(o.service.at, "%q is no firewall mark; write a number from 1 to 4294967295", o.service.text)
			return nil, false
		}
		s.mark, s.family = uint32(mark), 4
		if o.flags['6'] {
			s.family = 6
		}
	default:
		j.errorf(at, "This command names no service; write -t, -u or -f")
		return nil, false
	}
	if v, ok := o.values['s']; ok {
		s.scheduler = v.text
	}
	if o.flags['p'] {
		if s.persistence = o.values['p'].text; s.persistence == "" {
			s.persistence = "360"
			j.report.add(Different, at, "-p", "the timeout of old, 360 s, is written out; ipvsadm of today takes 300 s")
		}
	}
	return s, j.ipvsFlags(o, s)
}

// ipvsFlags reads what else there may be about a service: the mask and the engine of persistence, -o, -b.
func (j *job) ipvsFlags(o *ipvsOptions, s *ipvsService) bool {
	s.netmask, s.engine = o.values['M'].text, o.values['P'].text
	for _, letter := range []byte("MP") {
		if o.flags[letter] && s.persistence == "" {
			j.errorf(o.values[letter].at, "Only a service with persistence has %q; write -p SECONDS too", o.values[letter].text)
			return false
		}
	}
	if s.engine == "sip" && s.protocol != "" && s.protocol != conf.UDP {
		j.report.add(Ignored, o.values['P'].at, "--pe", "it reads UDP alone, and the kernel drops every connection of another protocol")
		s.engine = ""
	}
	if o.flags['o'] {
		s.flags = append(s.flags, "ops")
	}
	if !o.flags['b'] {
		return true
	}
	known := []string{"sh-fallback", "sh-port", "mh-fallback", "mh-port", "flag-1", "flag-2", "flag-3"}
	for flag := range strings.SplitSeq(o.values['b'].text, ",") {
		if !slices.Contains(known, flag) {
			j.errorf(o.values['b'].at, "%q is no flag of a scheduler; there are %s", flag, strings.Join(known, ", "))
			return false
		}
		s.flags = append(s.flags, flag)
	}
	slices.Sort(s.flags)
	s.flags = slices.Compact(s.flags)
	return true
}

func (j *job) ipvsServer(l line, o *ipvsOptions, s *ipvsService) {
	r := ipvsServer{weight: 1, forwarding: conf.DR, lead: l.lead, at: l.at()}
	switch {
	case o.flags['m']:
		r.forwarding = conf.NAT
	case o.flags['i']:
		r.forwarding = conf.TUN
	}
	var ok bool
	if r.tunnel, ok = j.ipvsTunnel(o, r.forwarding, r.at); !ok {
		return
	}
	server, ok := o.values['r']
	if !ok {
		j.errorf(r.at, "This command names no real server; write -r ADDRESS:PORT")
		return
	}
	if !j.addrPort(server, s.address.Port(), &r.address) {
		return
	}
	if w, ok := o.values['w']; ok {
		var err error
		if r.weight, err = strconv.Atoi(w.text); err != nil || r.weight < 0 || r.weight > 65535 {
			j.errorf(w.at, "A weight is a whole number from 0 to 65535, not %q", w.text)
			return
		}
	}
	for letter, to := range map[byte]*string{'x': &r.upper, 'y': &r.lower} {
		w, ok := o.values[letter]
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(w.text, 10, 31)
		if err != nil {
			j.errorf(w.at, "A threshold is a whole number of connections from 0, not %q", w.text)
			return
		}
		if n > 0 {
			*to = strconv.FormatUint(n, 10)
		}
	}
	for k, other := range s.servers {
		if other.address == r.address {
			s.servers[k] = r
			return
		}
	}
	s.servers = append(s.servers, r)
}

// addrPort reads ADDRESS[:PORT] with an IPv6 address in brackets.
func (j *job) addrPort(w word, port uint16, to *netip.AddrPort) bool {
	if ap, err := netip.ParseAddrPort(w.text); err == nil {
		*to = ap
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(w.text, "[]"))
	if err != nil {
		j.errorf(w.at, "%q is no address and port in numbers; write 192.168.2.11:80 (ipvsadm -S -n writes numbers)", w.text)
		return false
	}
	*to = netip.AddrPortFrom(addr, port)
	return true
}
