package lab

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Capture writes down what passes an interface, one packet a line as tcpdump shows it (numbers, link-layer addresses). It
// returns when it is listening. The filter is in tcpdump's language.
func (h *Host) Capture(ctx context.Context, ifname, filter string) (*Process, error) {
	p, err := h.Start(nil, "tcpdump", "--immediate-mode", "-l", "-n", "-e", "-v", "-tt", "-i", ifname, filter)
	if err != nil {
		return nil, err
	}
	_, err = p.WaitFor(ctx, time.Time{}, func(line string) bool { return strings.Contains(line, "listening on "+ifname) })
	if err != nil {
		return nil, fmt.Errorf("capture %q at %s of %s: %w", filter, ifname, h.Name, err)
	}
	return p, nil
}
