package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
)

// Transport is how the adverts of an instance travel.
type Transport struct {
	// Source is where they come from; the zero value is an address of the interface.
	Source netip.Addr
	// TrackSource keeps the instance from taking part while its interface lacks Source.
	TrackSource bool
	// Group is the multicast group they are sent to; the zero value is Group4 or Group6.
	Group netip.Addr
	// Unicast sends them to Peers in place of Group; without any the instance takes no part.
	Unicast bool
	Peers   []Peer
	// TTL is that of unicast adverts, 1-255.
	TTL uint8
	// CheckSource lets unicast adverts of nobody but Peers count; so does a Peer with a range.
	CheckSource bool
	// Checksum is what is sent.
	Checksum Checksum
	// NoOldChecksum refuses ChecksumGroup.
	NoOldChecksum bool
}

// Peer is another node that takes part in the election by unicast.
type Peer struct {
	Addr netip.Addr
	// Ranged has adverts from Addr count with a TTL from MinTTL to MaxTTL only.
	Ranged         bool
	MinTTL, MaxTTL uint8
}

func (t *Transport) equal(u *Transport) bool {
	return t.Source == u.Source && t.TrackSource == u.TrackSource && t.Group == u.Group && t.Unicast == u.Unicast &&
		t.TTL == u.TTL && t.CheckSource == u.CheckSource && t.Checksum == u.Checksum &&
		t.NoOldChecksum == u.NoOldChecksum && slices.Equal(t.Peers, u.Peers)
}

// group is where multicast adverts of the instance go.
func (c *Config) group() netip.Addr {
	switch {
	case c.Transport.Group.IsValid():
		return c.Transport.Group
	case c.IPv6:
		return Group6
	}
	return Group4
}

// destinations appends where adverts of the instance go.
func (c *Config) destinations(to []netip.Addr) []netip.Addr {
	if !c.Transport.Unicast {
		return append(to, c.group())
	}
	for _, p := range c.Transport.Peers {
		to = append(to, p.Addr)
	}
	return to
}

// travels says why an advert did not come the way in which those of the instance travel.
func (i *instance) travels(a *Advert) error {
	t := &i.cfg.Transport
	switch {
	case !t.Unicast && a.Destination != i.cfg.group():
		return fmt.Errorf("sent to %s, ours to the group %s: %w", a.Destination, i.cfg.group(), ErrDestination)
	case !t.Unicast && a.HopLimit != hopLimit:
		return fmt.Errorf("TTL %d instead of %d: %w", a.HopLimit, hopLimit, ErrTTL)
	case !t.Unicast:
		return nil
	case a.Destination.IsMulticast():
		return fmt.Errorf("sent to the group %s, ours by unicast: %w", a.Destination, ErrDestination)
	case t.NoOldChecksum && a.Checksum == ChecksumGroup:
		return ErrChecksum
	}
	strict := t.CheckSource
	for _, p := range t.Peers {
		strict = strict || p.Ranged
		if p.Addr != a.Source {
			continue
		}
		if p.Ranged && (a.HopLimit < p.MinTTL || a.HopLimit > p.MaxTTL) {
			return fmt.Errorf("TTL %d, not from %d to %d: %w", a.HopLimit, p.MinTTL, p.MaxTTL, ErrTTL)
		}
		return nil
	}
	if strict {
		return fmt.Errorf("source %s: %w", a.Source, ErrSource)
	}
	return nil
}

// suits tells whether adverts of the instance can come from an address of its interface: over IPv6
// from one of the link, as receivers expect (RFC 9568 §5.1.2.1), unless the peers are beyond it.
func (c *Config) suits(ip netip.Addr) bool {
	if !ip.IsValid() || ip.Is6() != c.IPv6 {
		return false
	}
	return ip.Is4() || ip.IsLinkLocalUnicast() != c.far()
}

// far tells whether the peers are beyond the link.
func (c *Config) far() bool {
	peers := c.Transport.Peers
	return c.Transport.Unicast && len(peers) > 0 && !peers[0].Addr.IsLinkLocalUnicast()
}

// mute says why the instance cannot send adverts; addresses are those of its interface.
func (i *instance) mute(addresses []netip.Addr) string {
	t := &i.cfg.Transport
	switch {
	case t.Unicast && len(t.Peers) == 0:
		return "there is no unicast_peer"
	case t.TrackSource && !slices.Contains(addresses, i.source):
		return fmt.Sprintf("interface %s has not the address %s", i.cfg.Interface, i.source)
	case i.source.IsValid():
		return ""
	}
	what := "IPv4 address"
	switch {
	case i.cfg.IPv6 && i.cfg.far():
		what = "global IPv6 address"
	case i.cfg.IPv6:
		what = "IPv6 link-local address"
	}
	return "interface " + i.cfg.Interface + " has no " + what + " beside the virtual ones; give it one of its own"
}
