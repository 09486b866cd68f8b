package conf

import (
	"net/netip"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// LVS is what global_defs says of the kernel's IPVS beside its services.
type LVS struct {
	Timeouts LVSTimeouts
	// Sync is the connection synchronization; its Interface is empty for none.
	Sync SyncDaemon
	// Flush takes the kernel's services at our addresses that the configuration does not have for
	// leftovers at the start (lvs_flush).
	Flush bool
	// ManageSysctls sets the parameters of IPVS (net.ipv4.vs) that the services need; else lvsd tells of
	// those that are otherwise.
	ManageSysctls bool
	// InitNotifies tells NotifyUp and NotifyDown of servers at the start too (rs_init_notifies).
	InitNotifies bool
}

// LVSTimeouts are how long the kernel remembers a connection without packets (lvs_timeouts), in
// whole seconds to 31 days; 0 leaves the kernel's.
type LVSTimeouts struct{ TCP, TCPFin, UDP time.Duration }

// SyncDaemon is lvs_sync_daemon: the kernel tells the other node its connections.
type SyncDaemon struct {
	Interface string
	// Instance names the vrrp_instance whose master sends, while others receive. Where it is empty
	// both is done always.
	Instance string
	ID       uint8      // the virtual_router_id of Instance where the file does not say
	MaxLen   int        // payload of a packet in bytes, 1-65507; 0 is what fits the interface
	Port     uint16     // UDP, 1-65535
	TTL      uint8      // 1-255
	Group    netip.Addr // multicast, IPv4 or IPv6
	Range    hcl.Range
}
