package conf

import (
	"net/netip"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// CheckKind says how a real server is probed.
type CheckKind string

// The kinds of check, by keepalived's names. ICMP_CHECK is an older name of PING_CHECK.
const (
	PingCheck CheckKind = "PING_CHECK"
	TCPCheck  CheckKind = "TCP_CHECK"
	HTTPGet   CheckKind = "HTTP_GET"
	SSLGet    CheckKind = "SSL_GET"
	SMTPCheck CheckKind = "SMTP_CHECK"
	DNSCheck  CheckKind = "DNS_CHECK"
	UDPCheck  CheckKind = "UDP_CHECK"
	MiscCheck CheckKind = "MISC_CHECK"
	FileCheck CheckKind = "FILE_CHECK"
	// GRPCCheck is lvsd's own.
	GRPCCheck CheckKind = "GRPC_CHECK"
)

// Check is one checker of a real server, with what it inherits from the real server and the
// virtual server already filled in.
type Check struct {
	Kind CheckKind
	Socket
	Timing
	// Through has the probe go to the service, and by way of that to the server; nil has it go to the
	// server itself.
	Through *Through
	// Of the following there is the one that is of the check's kind, with TCP_CHECK at most.
	TCP   *TCPTalk
	HTTP  *HTTP
	SMTP  *SMTPTalk
	DNS   *DNSQuestion
	UDP   *UDPPacket
	GRPC  *GRPCHealth
	Misc  *Misc
	File  *FileTalk
	Range hcl.Range
}

// Through is the way of a probe through a service (through_service).
type Through struct {
	Service netip.AddrPort // the address of the service, with the port that is asked
	// Mark is the firewall mark of the probes, for which the kernel has a service with this one server.
	Mark uint32
}

// Timing says when a check probes and what it makes of the answers.
type Timing struct {
	// Interval is the time from the start of a probe to the start of the next (delay_loop).
	Interval time.Duration
	// Timeout bounds a whole probe, from its first packet to its last (connect_timeout).
	Timeout time.Duration
	// Warmup bounds the time from the check's start to its first probe; Interval where the file
	// does not say.
	Warmup time.Duration
	// Retry is how many failed probes after the first are borne before the server is down.
	Retry int
	// Rise is how many probes in a row have to succeed before a server that was down is up, 1 or
	// more.
	Rise int
	// DelayBeforeRetry is the time from the end of a failed probe to the next while retrying.
	DelayBeforeRetry time.Duration
	// Alpha has the server down until the check has succeeded once.
	Alpha bool
	// LogAllFailures has the failures logged that are borne.
	LogAllFailures bool
}

// Socket is where a probe goes and where it comes from.
type Socket struct {
	// ConnectIP and ConnectPort are the probe's target, where it is not the real server's own
	// address (the zero value) or port (0).
	ConnectIP   netip.Addr
	ConnectPort uint16
	BindTo      netip.Addr // the local address, the zero value for any
	BindPort    uint16     // the local port, 0 for any
	BindIf      string     // the interface that packets leave and enter by, "" for any
	FWMark      uint32     // the firewall mark of the packets, 0 for none
}

// Misc is the program that MISC_CHECK runs. Its time is Timing.Timeout (misc_timeout).
type Misc struct {
	Command Program
	// Secure refuses to run as root what others than root can write (enable_script_security).
	Secure bool
	// Dynamic takes an exit status of 2 and more for a weight, and 2 more.
	Dynamic bool
}

// FileTalk is the file that FILE_CHECK reads.
type FileTalk struct {
	Name string // of its track_file
	Path string // absolute
	// Weight times the number in the file is added to the server's weight; with 0 another number
	// than 0 takes the server out.
	Weight int
}

// HTTP is what HTTP_GET and SSL_GET ask for.
type HTTP struct {
	URLs     []URL  // one at least
	Protocol string // 1.0, 1.0C (1.0 with "Connection: close"), 1.1 or 2
	// SNI sends the virtual host, or SNIName where that is not empty, as the name of the server in
	// the TLS handshake.
	SNI     bool
	SNIName string
	// SSL is the SSL block of the file for SSL_GET, nil where there is none.
	SSL *SSL
}

// URL is one url block of HTTP_GET or SSL_GET.
type URL struct {
	Path string // begins with a slash
	// VirtualHost is the site that is asked for, "" for the target's address and port.
	VirtualHost string
	// StatusCodes are the accepted ranges of HTTP status codes; 200-299 where the file does
	// not say.
	StatusCodes []StatusRange
	// Digest is the MD5 that the body has to have, 32 hexadecimal digits in lower case; "" is any.
	Digest string
	Regex  Regex
	// TLSCompliant wants the end of a TLS connection to be announced.
	TLSCompliant bool
}

func (r *Regex) equal(o *Regex) bool {
	return r.Pattern == o.Pattern && slices.Equal(r.Options, o.Options) && r.NoMatch == o.NoMatch &&
		r.MinOffset == o.MinOffset && r.MaxOffset == o.MaxOffset
}

// equal tells whether two are the same.
func (h *HTTP) equal(o *HTTP) bool {
	return h.Protocol == o.Protocol && h.SNI == o.SNI && h.SNIName == o.SNIName && h.SSL == o.SSL &&
		slices.EqualFunc(h.URLs, o.URLs, func(a, b URL) bool {
			return a.Path == b.Path && a.VirtualHost == b.VirtualHost && slices.Equal(a.StatusCodes, b.StatusCodes) &&
				a.Digest == b.Digest && a.Regex.equal(&b.Regex) && a.TLSCompliant == b.TLSCompliant
		})
}

// StatusRange is an inclusive range of HTTP status codes, 100-599.
type StatusRange struct{ First, Last int }
