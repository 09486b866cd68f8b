package conf

import (
	"fmt"
	"net/netip"

	"pgregory.net/rapid"
)

// writeTransport spells out how adverts travel.
func writeTransport(t *Transport, s syntax) []string {
	all := []string{
		s.flag("native_ipv6", t.IPv6), s.flag("track_src_ip", t.TrackSourceIP), s.flag("unicast_fault_no_peer", t.UnicastFaultNoPeer),
		s.flag("check_unicast_src", t.CheckUnicastSource), s.flag("v3_checksum_as_v2", t.V3ChecksumAsV2),
	}
	if t.SourceIP.IsValid() {
		all = append(all, s.word("mcast_src_ip", t.SourceIP.String()))
	}
	if t.Group.IsValid() {
		all = append(all, s.word("mcast_dst_ip", t.Group.String()))
	}
	if t.Unicast() {
		all = append(all, s.word("unicast_ttl", fmt.Sprint(t.UnicastTTL)))
	}
	switch {
	case t.OldUnicastChecksum:
		all = append(all, s.flag("old_unicast_checksum", true))
	case t.NoOldUnicastChecksum:
		all = append(all, s.word("old_unicast_checksum", "never"))
	}
	var peers []string
	for _, p := range t.UnicastPeers {
		peers = append(peers, fmt.Sprintf("%s min_ttl %d max_ttl %d", p.Address, p.MinTTL, p.MaxTTL))
	}
	if len(peers) > 0 {
		all = append(all, s.lines("unicast_peer", peers))
	}
	return all
}

// drawTransport draws how the adverts of an instance travel, as a file can say it.
func drawTransport(t *rapid.T) Transport {
	v := Transport{IPv6: rapid.Bool().Draw(t, "IPv6"),
		V3ChecksumAsV2: rapid.Bool().Draw(t, "v3_checksum_as_v2"), UnicastTTL: maxTTL}
	list, group := []string{"192.168.0.1", "192.168.0.2", "10.9.9.9"}, "224.0.0.99"
	if v.IPv6 {
		list, group = []string{"fe80::1", "fe80::2", "2001:db8::9"}, "ff02::99"
	}
	if rapid.Bool().Draw(t, "source") {
		v.SourceIP = netip.MustParseAddr(list[0])
		v.TrackSourceIP = rapid.Bool().Draw(t, "track_src_ip")
	}
	switch rapid.IntRange(0, 4).Draw(t, "old_unicast_checksum") {
	case 0:
		v.OldUnicastChecksum = true
	case 1:
		v.NoOldUnicastChecksum = true
	}
	switch rapid.IntRange(0, 3).Draw(t, "way") {
	case 0:
		v.Group = netip.MustParseAddr(group)
	case 1:
		v.UnicastFaultNoPeer = true
		v.UnicastTTL = rapid.Uint8Range(1, 255).Draw(t, "unicast_ttl")
	case 2:
		v.UnicastTTL, v.CheckUnicastSource = rapid.Uint8Range(1, 255).Draw(t, "unicast_ttl"), rapid.Bool().Draw(t, "check_unicast_src")
		for _, a := range list[rapid.IntRange(1, 2).Draw(t, "peers"):] {
			low := rapid.Uint8().Draw(t, "min_ttl")
			v.UnicastPeers = append(v.UnicastPeers, UnicastPeer{Address: netip.MustParseAddr(a), MinTTL: low,
				MaxTTL: rapid.Uint8Range(low, 255).Draw(t, "max_ttl")})
		}
	case 3:
		v.CheckUnicastSource = rapid.Bool().Draw(t, "check_unicast_src")
	}
	return v
}
