package lab

import (
	"errors"
	"fmt"
	"net/netip"
)

// The addresses of the network that lvsd was first made for; all masks have 24 bits.
var (
	clientAddr = netip.MustParsePrefix("192.168.2.21/24")
	outsideLB  = [2]netip.Prefix{netip.MustParsePrefix("192.168.2.1/24"), netip.MustParsePrefix("192.168.2.2/24")}
	insideLB   = [2]netip.Prefix{netip.MustParsePrefix("10.10.10.1/24"), netip.MustParsePrefix("10.10.10.2/24")}
	insideWeb  = [3]netip.Prefix{netip.MustParsePrefix("10.10.10.11/24"), netip.MustParsePrefix("10.10.10.12/24"), netip.MustParsePrefix("10.10.10.13/24")}
	outsideWeb = [3]netip.Prefix{netip.MustParsePrefix("192.168.2.31/24"), netip.MustParsePrefix("192.168.2.32/24"), netip.MustParsePrefix("192.168.2.33/24")}
)

// Forwarding is how directors pass packets on, which decides how the web servers are connected.
type Forwarding int

// The three ways of IPVS.
const (
	NAT Forwarding = iota // web servers inside, their default route leads to the V-gate
	DR                    // web servers on the directors' outside segment
	TUN                   // web servers inside, answering over their own outside interface
)

// Seed is a client, two directors and three web servers: the directors' eth0 is outside, where the client is, their eth1 inside.
// Nothing is configured on the directors but their own addresses, and for DR and TUN no VIP on the web servers.
type Seed struct {
	*Lab
	Client *Host
	LB     [2]*Host // lb1, lb2
	Web    [3]*Host // web1 to web3
	Sites  [3]*Site // port 80 of each

	VIP   netip.Addr    // 192.168.2.11
	VGate netip.Addr    // 10.10.10.9
	Real  [3]netip.Addr // what directors forward to
}

// NewSeed builds it; prefix as in New. Close removes it.
func NewSeed(prefix string, f Forwarding) (*Seed, error) {
	l, err := New(prefix)
	if err != nil {
		return nil, err
	}
	s := &Seed{Lab: l, VIP: netip.MustParseAddr("192.168.2.11"), VGate: netip.MustParseAddr("10.10.10.9")}
	if err := s.build(f); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return s, nil
}

func (s *Seed) build(f Forwarding) error {
	outside, err := s.Switch("outside")
	if err != nil {
		return err
	}
	inside, err := s.Switch("inside")
	if err != nil {
		return err
	}
	if s.Client, err = s.Host("client"); err != nil {
		return err
	}
	if err := s.Client.Plug("eth0", outside, clientAddr); err != nil {
		return err
	}
	for i := range s.LB {
		if s.LB[i], err = s.Host(fmt.Sprintf("lb%d", i+1)); err != nil {
			return err
		}
		if err := errors.Join(s.LB[i].Plug("eth0", outside, outsideLB[i]), s.LB[i].Plug("eth1", inside, insideLB[i])); err != nil {
			return err
		}
	}
	for i := range s.Web {
		if s.Web[i], err = s.Host(fmt.Sprintf("web%d", i+1)); err != nil {
			return err
		}
		if err := s.connect(i, f, outside, inside); err != nil {
			return err
		}
		if s.Sites[i], err = s.Web[i].Serve(":80"); err != nil {
			return err
		}
	}
	return nil
}

// connect plugs a web server in as its part in the forwarding wants it.
func (s *Seed) connect(i int, f Forwarding, outside, inside *Switch) error {
	web := s.Web[i]
	s.Real[i] = insideWeb[i].Addr()
	switch f {
	case NAT:
		return errors.Join(web.Plug("eth0", inside, insideWeb[i]), web.DefaultRoute(s.VGate))
	case DR:
		s.Real[i] = outsideWeb[i].Addr()
		return web.Plug("eth0", outside, outsideWeb[i])
	case TUN:
		return errors.Join(web.Plug("eth0", inside, insideWeb[i]), web.Plug("eth1", outside, outsideWeb[i]))
	}
	return fmt.Errorf("no such forwarding: %d", f)
}

// HoldVIP makes the host a real server for DR (device lo) or TUN (device tunl0): it takes packets for the VIP and never answers
// ARP for it.
func (h *Host) HoldVIP(device string, vip netip.Addr) error {
	for _, name := range []string{"all", "default"} {
		if err := errors.Join(
			h.Sysctl("net.ipv4.conf."+name+".arp_ignore", "1"),
			h.Sysctl("net.ipv4.conf."+name+".arp_announce", "2"),
			h.Sysctl("net.ipv4.conf."+name+".rp_filter", "0"), // what comes out of the tunnel did not come the way back
		); err != nil {
			return err
		}
	}
	if device == "tunl0" {
		if err := h.Sysctl("net.ipv4.conf.tunl0.rp_filter", "0"); err != nil {
			return err
		}
	}
	host, err := h.net()
	if err != nil {
		return err
	}
	link, err := h.link(device)
	if err != nil {
		return err
	}
	if err := host.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring %s up on %s: %w", device, h.Name, err)
	}
	return h.AddAddress(device, netip.PrefixFrom(vip, vip.BitLen()))
}
