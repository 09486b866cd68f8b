package lab

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Capture writes down what passes an interface, one packet a line as tcpdump shows it (numbers, link-layer addresses). It
// returns when it is listening. The filter is in tcpdump's language.
func (h *Host) Capture(ctx context.Context, ifname, filter string) (*Process, error) {
	// The buffer is cut into slots of a whole packet each: with the usual size of 256 KiB it has eight, and loses bursts.
	p, err := h.Start(nil, "tcpdump", "-s", "2048", "-B", "16384", "--immediate-mode", "-l", "-n", "-e", "-v", "-tt", "-i", ifname, filter)
	if err != nil {
		return nil, err
	}
	_, err = p.WaitFor(ctx, time.Time{}, func(line string) bool { return strings.Contains(line, "listening on "+ifname) })
	if err != nil {
		return nil, fmt.Errorf("capture %q at %s of %s: %w", filter, ifname, h.Name, err)
	}
	return p, nil
}

// CaptureTime is when the packet of a captured line passed; ok is false for a line that begins no packet.
func CaptureTime(line string) (at time.Time, ok bool) {
	stamp, _, _ := strings.Cut(line, " ")
	seconds, fraction, dotted := strings.Cut(stamp, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	us, err2 := strconv.ParseInt(fraction, 10, 64)
	if !dotted || err != nil || err2 != nil || len(fraction) != 6 {
		return time.Time{}, false
	}
	return time.Unix(s, us*1000), true
}
