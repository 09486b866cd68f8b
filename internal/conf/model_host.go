package conf

import (
	"time"

	"github.com/hashicorp/hcl/v2"
)

// LinkDelay is one line of interface_up_down_delays: how long an interface is down, or up, before
// instances act on it, 0-255 s each.
type LinkDelay struct {
	Interface string
	Down, Up  time.Duration
	Range     hcl.Range
}

// Spacing is the least time between two announcements of addresses; 0 is none.
type Spacing struct {
	ARP time.Duration // gratuitous ARP: garp_interval, vrrp_garp_interval
	NA  time.Duration // unsolicited neighbour advertisements: gna_interval, vrrp_gna_interval
}

// GARPGroup is one garp_group: interfaces whose announcements wait for one another.
type GARPGroup struct {
	Spacing
	Interfaces []string // one at least; each in one group at most
	Range      hcl.Range
}
