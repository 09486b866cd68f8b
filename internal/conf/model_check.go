package conf

import (
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
)

// Check is one checker of a real server, with what it inherits from the real server and the
// virtual server already filled in.
type Check struct {
	Kind CheckKind
	// URLs are what HTTP_GET and SSL_GET ask for, one at least; empty for other kinds.
	URLs []URL
	// Interval is the time from the start of a probe to the start of the next (delay_loop).
	Interval time.Duration
	// Timeout bounds a whole probe, from its first packet to its last (connect_timeout).
	Timeout time.Duration
	// Retry is how many failed probes after the first are borne before the server is down.
	Retry int
	// DelayBeforeRetry is the time from the end of a failed probe to the next while retrying.
	DelayBeforeRetry time.Duration
	// Alpha takes the server for down until the first probe succeeds.
	Alpha bool
	Range hcl.Range
}

// URL is one url block of HTTP_GET or SSL_GET.
type URL struct {
	Path string // begins with a slash
	// StatusCodes are the accepted ranges of HTTP status codes; 200-299 where the file does
	// not say.
	StatusCodes []StatusRange
	Range       hcl.Range
}

// StatusRange is an inclusive range of HTTP status codes, 100-599.
type StatusRange struct{ First, Last int }
