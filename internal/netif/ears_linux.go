package netif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
	"github.com/mdlayher/raw" //nolint:staticcheck // as in arp_linux.go
	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// ears are the sockets that are open, by interface and family.
type ears struct {
	open map[earKey]ear
	own  map[string]bool // link-layer addresses of this host
	tell chan<- heard
	gone chan deaf
	done sync.WaitGroup
}

type earKey struct {
	dev  string
	six  bool
	link int
}

// deaf is an ear that has closed itself.
type deaf struct {
	key earKey
	ear ear
}

// forget lets an ear that has closed itself be opened again.
func (e *ears) forget(d deaf) {
	if e.open[d.key] == d.ear {
		delete(e.open, d.key)
	}
}

// ear is a socket on one interface that hears claims on addresses, and asks for them.
type ear interface {
	// hear blocks until a claim comes; it returns an error only once the ear is closed or its
	// interface gone.
	hear() (ip netip.Addr, mac net.HardwareAddr, err error)
	ask(ip netip.Addr) error
	// only leaves out claims on other addresses, as far as it can.
	only(ips []netip.Addr)
	Close() error
}

// listen opens the sockets that places need and closes all others. One that cannot be opened is
// left for the next time: an interface that is not there has no claims on it, and one that is down
// is a fault that the election tells of.
func (e *ears) listen(places map[place]*conflict) {
	needed := map[earKey]*net.Interface{}
	e.own = map[string]bool{}
	if all, err := net.Interfaces(); err == nil {
		byName := map[string]*net.Interface{}
		for i := range all {
			byName[all[i].Name] = &all[i]
			e.own[all[i].HardwareAddr.String()] = true
		}
		for p := range places {
			if ifi := byName[p.dev]; ifi != nil && ifi.Flags&net.FlagUp != 0 && ifi.Flags&net.FlagLoopback == 0 && len(ifi.HardwareAddr) == 6 {
				needed[earKey{p.dev, p.ip.Is6(), ifi.Index}] = ifi
			}
		}
	}
	for key, ear := range e.open {
		if needed[key] == nil {
			_ = ear.Close()
			delete(e.open, key)
		}
	}
	for key, ifi := range needed {
		if e.open[key] != nil {
			e.open[key].only(addresses(places, key))
			continue
		}
		open := openARPEar
		if key.six {
			open = openNDEar
		}
		if ear, err := open(ifi); err == nil {
			ear.only(addresses(places, key))
			e.open[key] = ear
			own := maps.Clone(e.own)
			e.done.Go(func() { e.follow(key, ear, own) })
		}
	}
}

// addresses are those of the places on one ear's interface.
func addresses(places map[place]*conflict, key earKey) []netip.Addr {
	var list []netip.Addr
	for p := range places {
		if p.dev == key.dev && p.ip.Is6() == key.six {
			list = append(list, p.ip)
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
}

// follow passes on what an ear hears of other hosts, until it is closed. What nobody has time for is
// lost: who claims an address says so again.
func (e *ears) follow(key earKey, ear ear, own map[string]bool) {
	for {
		ip, mac, err := ear.hear()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) && ear.Close() == nil {
				e.gone <- deaf{key, ear}
			}
			return
		}
		if own[mac.String()] {
			continue
		}
		select {
		case e.tell <- heard{place{key.dev, ip}, mac.String(), time.Now()}:
		default:
		}
	}
}

func (e *ears) ask(p place) {
	for key, ear := range e.open {
		if key.dev == p.dev && key.six == p.ip.Is6() {
			_ = ear.ask(p.ip) // an interface that is down asks nobody, and is asked again
		}
	}
}

// close closes all and waits until nobody follows them.
func (e *ears) close() {
	for _, ear := range e.open {
		_ = ear.Close()
	}
	ended := make(chan struct{})
	go func() {
		e.done.Wait()
		close(ended)
	}()
	for {
		select {
		case <-e.gone:
		case <-ended:
			return
		}
	}
}

// arpEar hears ARP.
type arpEar struct {
	*raw.Conn
	mac net.HardwareAddr
	buf []byte
	ips []netip.Addr // of the filter
}

// only has the kernel drop what is about other addresses: a segment full of ARP takes none of our
// time.
func (e *arpEar) only(ips []netip.Addr) {
	if slices.Equal(ips, e.ips) {
		return
	}
	if filter, err := bpf.Assemble(senderFilter(ips)); err == nil && e.SetBPF(filter) == nil {
		e.ips = ips
	}
}

// maxFiltered bounds a filter: a program has 4096 instructions at most (BPF_MAXINSNS).
const maxFiltered = 2000

// senderFilter passes the ARP packets on Ethernet whose sender address is one of ips.
func senderFilter(ips []netip.Addr) []bpf.Instruction {
	const sender, whole = 14 + 14, 128 // RFC 826, behind the Ethernet header
	if len(ips) > maxFiltered {
		return []bpf.Instruction{bpf.RetConstant{Val: whole}}
	}
	program := []bpf.Instruction{bpf.LoadAbsolute{Off: sender, Size: 4}}
	for _, ip := range ips {
		four := ip.As4()
		program = append(program, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(four[:]), SkipTrue: 1}, bpf.RetConstant{Val: whole})
	}
	return append(program, bpf.RetConstant{Val: 0})
}

func openARPEar(ifi *net.Interface) (ear, error) {
	conn, err := raw.ListenPacket(ifi, unix.ETH_P_ARP, nil)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket on %s: %w", ifi.Name, err)
	}
	return &arpEar{Conn: conn, mac: ifi.HardwareAddr, buf: make([]byte, 128)}, nil
}

func (e *arpEar) hear() (netip.Addr, net.HardwareAddr, error) {
	for {
		n, _, err := e.ReadFrom(e.buf)
		if errors.Is(err, unix.ENETDOWN) {
			continue // said once when the interface goes down
		}
		if err != nil {
			return netip.Addr{}, nil, err
		}
		var f ethernet.Frame
		var p arp.Packet
		if f.UnmarshalBinary(e.buf[:n]) == nil && p.UnmarshalBinary(f.Payload) == nil && p.SenderIP.Is4() && !p.SenderIP.IsUnspecified() {
			return p.SenderIP, p.SenderHardwareAddr, nil
		}
	}
}

// ask sends an ARP probe: a request from no address, which changes nobody's memory.
func (e *arpEar) ask(ip netip.Addr) error {
	p, err := arp.NewPacket(arp.OperationRequest, e.mac, netip.IPv4Unspecified(), make(net.HardwareAddr, 6), ip)
	if err != nil {
		return fmt.Errorf("build an ARP probe for %s: %w", ip, err)
	}
	payload, err := p.MarshalBinary()
	if err != nil {
		return fmt.Errorf("build an ARP probe for %s: %w", ip, err)
	}
	f := ethernet.Frame{Destination: ethernet.Broadcast, Source: e.mac, EtherType: ethernet.EtherTypeARP, Payload: payload}
	frame, err := f.MarshalBinary()
	if err != nil {
		return fmt.Errorf("build an ARP probe for %s: %w", ip, err)
	}
	_, err = e.WriteTo(frame, &raw.Addr{HardwareAddr: ethernet.Broadcast})
	return err
}

// ndEar hears neighbour advertisements.
type ndEar struct {
	*ndp.Conn
	mac net.HardwareAddr
}

func openNDEar(ifi *net.Interface) (ear, error) {
	conn, _, err := ndp.Listen(ifi, ndp.LinkLocal)
	if err != nil {
		return nil, fmt.Errorf("listen for neighbours on %s: %w", ifi.Name, err)
	}
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeNeighborAdvertisement)
	if err := conn.SetICMPFilter(&filter); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for neighbours on %s: %w", ifi.Name, err), conn.Close())
	}
	if err := conn.JoinGroup(netip.IPv6LinkLocalAllNodes()); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for neighbours on %s: %w", ifi.Name, err), conn.Close())
	}
	return &ndEar{conn, ifi.HardwareAddr}, nil
}

func (e *ndEar) hear() (netip.Addr, net.HardwareAddr, error) {
	for {
		m, _, _, err := e.ReadFrom()
		var failed *net.OpError
		if errors.As(err, &failed) {
			return netip.Addr{}, nil, err
		}
		a, ok := m.(*ndp.NeighborAdvertisement)
		if err != nil || !ok {
			continue // not a message that can be read
		}
		for _, o := range a.Options {
			if mac, ok := o.(*ndp.LinkLayerAddress); ok && mac.Direction == ndp.Target {
				return a.TargetAddress, mac.Addr, nil
			}
		}
	}
}

// only does nothing: advertisements are few, and the kernel leaves out all else.
func (e *ndEar) only([]netip.Addr) {}

func (e *ndEar) ask(ip netip.Addr) error {
	to, err := ndp.SolicitedNodeMulticast(ip)
	if err != nil {
		return fmt.Errorf("find the group of %s: %w", ip, err)
	}
	return e.WriteTo(&ndp.NeighborSolicitation{TargetAddress: ip,
		Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: e.mac}}}, nil, to)
}
