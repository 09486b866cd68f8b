package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// Switch is an Ethernet segment. It forwards from the first moment on and floods multicast.
type Switch struct {
	Name   string
	bridge netlink.Link
	lab    *Lab
}

// wire is a cable from a host to a switch.
type wire struct {
	sw   *Switch
	port netlink.Link // the switch's end
}

// Switch returns the switch of that name, new if there was none. The name is at most 15 bytes long.
func (l *Lab) Switch(name string) (*Switch, error) {
	if s, ok := l.switches[name]; ok {
		return s, nil
	}
	snooping := false // a switch that snoops holds multicast back until it has seen a report
	lan, err := l.lan.net()
	if err != nil {
		return nil, err
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}, MulticastSnooping: &snooping}
	if err := lan.LinkAdd(bridge); err != nil {
		return nil, fmt.Errorf("add switch %s: %w", name, err)
	}
	if err := lan.LinkSetUp(bridge); err != nil {
		return nil, fmt.Errorf("bring switch %s up: %w", name, err)
	}
	s := &Switch{Name: name, bridge: bridge, lab: l}
	l.switches[name] = s
	return s, nil
}

// Plug gives the host an interface, wired to the switch, up, with the addresses.
func (h *Host) Plug(ifname string, s *Switch, addrs ...netip.Prefix) error {
	host, err := h.net()
	if err != nil {
		return err
	}
	lan, err := s.lab.lan.net()
	if err != nil {
		return err
	}
	s.lab.ports++
	port := fmt.Sprintf("port%d", s.lab.ports)
	veth := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: ifname}, PeerName: port, PeerNamespace: netlink.NsFd(int(s.lab.lan.ns)),
	}
	if err := host.LinkAdd(veth); err != nil {
		return fmt.Errorf("add %s to %s: %w", ifname, h.Name, err)
	}
	end, err := s.lab.lan.link(port)
	if err != nil {
		return err
	}
	if err := lan.LinkSetMaster(end, s.bridge); err != nil {
		return fmt.Errorf("plug %s of %s into %s: %w", ifname, h.Name, s.Name, err)
	}
	if err := lan.LinkSetUp(end); err != nil {
		return fmt.Errorf("bring the port of %s of %s up: %w", ifname, h.Name, err)
	}
	h.wires[ifname] = wire{sw: s, port: end}
	for _, a := range addrs {
		if err := h.AddAddress(ifname, a); err != nil {
			return err
		}
	}
	link, err := h.link(ifname)
	if err != nil {
		return err
	}
	if err := host.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring %s up on %s: %w", ifname, h.Name, err)
	}
	return nil
}

// Cut pulls the interface's cable: both ends lose the carrier, and nothing passes.
func (h *Host) Cut(ifname string) error {
	lan, port, err := h.port(ifname)
	if err == nil {
		err = lan.LinkSetDown(port)
	}
	if err != nil {
		return fmt.Errorf("pull the cable of %s at %s: %w", h.Name, ifname, err)
	}
	return nil
}

// Mend puts the cable back in.
func (h *Host) Mend(ifname string) error {
	lan, port, err := h.port(ifname)
	if err == nil {
		err = lan.LinkSetUp(port)
	}
	if err != nil {
		return fmt.Errorf("mend the cable of %s at %s: %w", h.Name, ifname, err)
	}
	return nil
}

// port is the switch's end of the interface's cable, and the netlink to reach it.
func (h *Host) port(ifname string) (*netlink.Handle, netlink.Link, error) {
	w, ok := h.wires[ifname]
	if !ok {
		return nil, nil, errors.New("there is none")
	}
	lan, err := w.sw.lab.lan.net()
	return lan, w.port, err
}

// AddAddress puts an address on an interface.
func (h *Host) AddAddress(ifname string, a netip.Prefix) error {
	host, err := h.net()
	if err != nil {
		return err
	}
	link, err := h.link(ifname)
	if err != nil {
		return err
	}
	if err := host.AddrAdd(link, &netlink.Addr{IPNet: ipNet(a)}); err != nil {
		return fmt.Errorf("add %s to %s on %s: %w", a, ifname, h.Name, err)
	}
	return nil
}

// Addresses returns what addresses an interface has, of both families.
func (h *Host) Addresses(ifname string) ([]netip.Prefix, error) {
	host, err := h.net()
	if err != nil {
		return nil, err
	}
	link, err := h.link(ifname)
	if err != nil {
		return nil, err
	}
	list, err := host.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("list the addresses of %s on %s: %w", ifname, h.Name, err)
	}
	var addrs []netip.Prefix
	for _, a := range list {
		ip, _ := netip.AddrFromSlice(a.IP)
		ones, _ := a.Mask.Size()
		addrs = append(addrs, netip.PrefixFrom(ip.Unmap(), ones))
	}
	return addrs, nil
}

// DefaultRoute sends what has no other route to a gateway.
func (h *Host) DefaultRoute(gateway netip.Addr) error {
	host, err := h.net()
	if err != nil {
		return err
	}
	if err := host.RouteAdd(&netlink.Route{Gw: gateway.AsSlice()}); err != nil {
		return fmt.Errorf("add the default route of %s by %s: %w", h.Name, gateway, err)
	}
	return nil
}

func (h *Host) link(ifname string) (netlink.Link, error) {
	host, err := h.net()
	if err != nil {
		return nil, err
	}
	link, err := host.LinkByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("find %s on %s: %w", ifname, h.Name, err)
	}
	return link, nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
