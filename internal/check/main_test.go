package check

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// okStatus is what keepalived accepts by default.
func okStatus() (s StatusCodes) {
	s.Add(200, 299)
	return s
}

// tcpSpec is a TCP check with round figures.
func tcpSpec(addr string) Spec {
	return Spec{
		Kind: TCP, Addr: netip.MustParseAddrPort(addr),
		Timing: Timing{Interval: 10 * time.Second, Timeout: 3 * time.Second, Warmup: 10 * time.Second,
			Retry: 2, DelayBeforeRetry: time.Second},
	}
}
