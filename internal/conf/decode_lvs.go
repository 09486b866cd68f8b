package conf

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"lvsd/internal/conf/keepalived"
)

// The kernel's own choice of where daemons meet (net/netfilter/ipvs/ip_vs_sync.c).
const (
	syncPort   = 8848
	maxSyncLen = 65507 // of a UDP packet, less the headers of IPv4 and UDP
)

func syncGroup() netip.Addr { return netip.MustParseAddr("224.0.0.81") }

// lvsTimeouts reads lvs_timeouts: names, each with its seconds.
func (d *decoder) lvsTimeouts(n *keepalived.Node) {
	if n.Broken {
		return
	}
	t := &d.cfg.LVS.Timeouts
	places := map[string]*time.Duration{"tcp": &t.TCP, "tcpfin": &t.TCPFin, "udp": &t.UDP}
	for k := 0; k < len(n.Args); k += 2 {
		name := n.Args[k]
		to := places[name.Text]
		switch {
		case to == nil:
			d.errorf(name.Range, "lvs_timeouts are tcp, tcpfin and udp, each with its seconds, not %q", name.Text)
			return
		case k+1 == len(n.Args):
			d.errorf(name.Range, "%q needs its seconds; write lvs_timeouts tcp 900 tcpfin 120 udp 300", name.Text)
			return
		}
		var v time.Duration
		value := &keepalived.Node{Keyword: name, Args: n.Args[k+1 : k+2]}
		if !d.duration(value, time.Second, maxPersistence, &v) {
			continue
		}
		if v%time.Second != 0 {
			d.errorf(n.Args[k+1].Range, "%s takes whole seconds, not %q", name.Text, n.Args[k+1].Text)
			continue
		}
		*to = v
	}
	if len(n.Args) == 0 {
		d.errorf(n.Range, "lvs_timeouts is empty; write lvs_timeouts tcp 900 tcpfin 120 udp 300, or some of these")
	}
}

// syncDaemon reads lvs_sync_daemon. The instance is looked for when all are known.
func (d *decoder) syncDaemon(n *keepalived.Node) {
	if n.Broken {
		return
	}
	if len(n.Args) == 0 {
		d.errorf(n.Range, "lvs_sync_daemon needs the interface that leads to the other node")
		return
	}
	s := SyncDaemon{Port: syncPort, TTL: 1, Group: syncGroup(), Range: n.Range}
	if !d.interfaceName("lvs_sync_daemon", n.Args[0], &s.Interface) {
		return
	}
	d.syncInstance = nil
	d.syncID = false
	rest := n.Args[1:]
	for k := 0; k < len(rest); k++ {
		w := rest[k]
		known := []string{"inst", "id", "maxlen", "port", "ttl", "group"}
		option := w.Text
		switch option {
		case "inst", "id", "maxlen", "port", "ttl", "group":
			if k++; k == len(rest) {
				d.errorf(w.Range, "%q needs a value behind it", w.Text)
				return
			}
		default:
			if k > 0 {
				hint := ""
				if near := keepalived.Nearest(w.Text, known); near != "" {
					hint = fmt.Sprintf("; did you mean %q?", near)
				}
				d.errorf(w.Range, "lvs_sync_daemon has no option %q%s", w.Text, hint)
				return
			}
			option = "inst" // the second word may stand alone
		}
		if !d.syncOption(option, rest[k], &s) {
			return
		}
	}
	d.cfg.LVS.Sync = s
}

// syncOption reads the value of an option of lvs_sync_daemon.
func (d *decoder) syncOption(option string, w keepalived.Word, s *SyncDaemon) bool {
	number := func(lo, hi int) (int, bool) {
		n, err := strconv.Atoi(w.Text)
		if err != nil || n < lo || n > hi {
			d.errorf(w.Range, "%s of lvs_sync_daemon takes a whole number from %d to %d, not %q", option, lo, hi, w.Text)
			return 0, false
		}
		return n, true
	}
	switch option {
	case "inst":
		s.Instance, d.syncInstance = w.Text, &w
		return true
	case "group":
		a, err := netip.ParseAddr(w.Text)
		if err != nil || a.Zone() != "" || !a.IsMulticast() {
			d.errorf(w.Range, "group of lvs_sync_daemon takes a multicast address such as 224.0.0.81, not %q", w.Text)
			return false
		}
		s.Group = a
		return true
	case "id":
		n, ok := number(0, 255)
		s.ID, d.syncID = uint8(n), ok
		return ok
	case "maxlen":
		n, ok := number(1, maxSyncLen)
		s.MaxLen = n
		return ok
	case "port":
		n, ok := number(1, 65535)
		s.Port = uint16(n)
		return ok
	}
	n, ok := number(1, 255)
	s.TTL = uint8(n)
	return ok
}

// validateSync finds the instance that the synchronization follows, and servers that it excludes:
// the kernel synchronizes no connections while a server is of another family than its service
// (net/netfilter/ipvs/ip_vs_ctl.c).
func (d *decoder) validateSync() {
	s := &d.cfg.LVS.Sync
	if s.Interface == "" {
		return
	}
	if d.syncInstance != nil {
		var names []string
		found := false
		for k := range d.cfg.Instances {
			i := &d.cfg.Instances[k]
			names = append(names, i.Name)
			if i.Name == s.Instance {
				found = true
				if !d.syncID {
					s.ID = i.VirtualRouterID
				}
			}
		}
		if !found {
			hint := ""
			if near := keepalived.Nearest(s.Instance, names); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			d.errorf(d.syncInstance.Range, "There is no vrrp_instance %q%s", s.Instance, hint)
		}
	}
	for k := range d.cfg.Services {
		v := &d.cfg.Services[k]
		for _, r := range v.RealServers {
			if v.Family != familyOf(r.Address.Addr()) {
				d.errorf(r.Range, "real_server %s is not of the address family of its virtual_server, and lvs_sync_daemon works without such servers only; remove one of the two", r.Address.Addr())
				d.relate(s.Range, "the synchronization")
				return
			}
		}
	}
}
