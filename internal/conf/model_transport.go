package conf

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// Transport is how the adverts of an instance travel.
type Transport struct {
	// IPv6 is the family of adverts and of virtual_ipaddress. Over IPv6 the version is 3.
	IPv6 bool
	// SourceIP is where adverts come from (mcast_src_ip, unicast_src_ip); the zero value is an
	// address of the interface.
	SourceIP netip.Addr
	// TrackSourceIP fails the instance while its interface has not SourceIP.
	TrackSourceIP bool
	// Group is the multicast group of adverts where there are no UnicastPeers; the zero value is
	// 224.0.0.18 or ff02::12 (RFC 9568 §5.1.1.2, §5.1.2.2).
	Group netip.Addr
	// UnicastPeers are sent the adverts in place of a group.
	UnicastPeers []UnicastPeer
	// UnicastFaultNoPeer fails an instance without UnicastPeers.
	UnicastFaultNoPeer bool
	// UnicastTTL is the TTL, or hop limit, of unicast adverts, 1-255.
	UnicastTTL uint8
	// CheckUnicastSource lets adverts of nobody but UnicastPeers count.
	CheckUnicastSource bool
	// V3ChecksumAsV2 leaves the pseudo header out of the checksum of version 3 over IPv4, as RFC 9568
	// §5.2.8 has it.
	V3ChecksumAsV2 bool
	// OldUnicastChecksum has the multicast group in place of the peer in the checksum of version 3,
	// as keepalived before 1.3.7. NoOldUnicastChecksum refuses such adverts (never).
	OldUnicastChecksum, NoOldUnicastChecksum bool
}

// Unicast tells whether adverts go to peers.
func (t *Transport) Unicast() bool { return len(t.UnicastPeers) > 0 || t.UnicastFaultNoPeer }

// UnicastPeer is one line of unicast_peer.
type UnicastPeer struct {
	Address netip.Addr
	// MinTTL and MaxTTL are the TTLs with which adverts of the peer count; 0 and 255 is any. Others
	// are as if CheckUnicastSource was true (keepalived.conf(5)).
	MinTTL, MaxTTL uint8
	Range          hcl.Range
}
