package director

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/ipvs"
)

// ServiceStatus is a virtual server with its real servers.
type ServiceStatus struct {
	Name               string             `json:"name"`     // as events have it
	Address            string             `json:"address"`  // "192.168.2.11:80", "fwmark 100" or "group web"
	Protocol           string             `json:"protocol"` // tcp, udp, sctp; empty with a firewall mark
	Scheduler          string             `json:"scheduler"`
	Forwarding         string             `json:"forwarding"`
	PersistenceTimeout int                `json:"persistence_timeout"` // seconds, 0 is off
	Quorum             int                `json:"quorum"`
	Quorate            bool               `json:"quorate"`
	SorryServer        *SorryStatus       `json:"sorry_server,omitempty"`
	InKernel           bool               `json:"in_kernel"`   // all of them, of a group
	Connections        uint64             `json:"connections"` // since the service was made
	RealServers        []RealServerStatus `json:"real_servers"`

	services []served
}

// SorryStatus is the sorry server of a service.
type SorryStatus struct {
	Address  netip.AddrPort `json:"address"`
	Serves   bool           `json:"serves"` // it is wanted in the place of the real servers now
	InKernel bool           `json:"in_kernel"`
	Active   uint32         `json:"active_connections"`
	Inactive uint32         `json:"inactive_connections"`
}

// RealServerStatus is a real server of one service.
type RealServerStatus struct {
	Address         netip.AddrPort `json:"address"`
	Weight          int            `json:"weight"`           // configured
	EffectiveWeight uint32         `json:"effective_weight"` // wanted in the kernel now; 0 when removed
	Healthy         bool           `json:"healthy"`
	Kept            bool           `json:"kept,omitempty"` // it fails, and stays: too few are left
	// ServerOrders are the operator's; one that a reload removed is draining too.
	ServerOrders
	Removed    bool          `json:"removed,omitempty"` // by a reload
	InKernel   bool          `json:"in_kernel"`
	Active     uint32        `json:"active_connections"`
	Inactive   uint32        `json:"inactive_connections"`
	Persistent uint32        `json:"persistent_clients"` // that are to stay with it
	Checks     []CheckStatus `json:"checks"`
}

// CheckStatus is one check of a real server; several services may share it.
type CheckStatus struct {
	Check string    `json:"check"`
	State string    `json:"state"` // unknown, up or down
	Since time.Time `json:"since"`
	Error string    `json:"error,omitempty"`
	// Expires is when the certificate that the server shows ends, nil where it shows none.
	Expires *time.Time `json:"certificate_expires,omitempty"`
}

// serviceStatus is that of one of the configuration's virtual servers.
func (d *Director) serviceStatus(service int, verdicts map[check.Spec]check.Verdict) ServiceStatus {
	v := &d.compiled.services[service]
	s := ServiceStatus{Name: v.name, Address: v.Address.String(), Protocol: string(v.Protocol), Scheduler: v.Scheduler,
		Forwarding: string(v.Forwarding), PersistenceTimeout: int(v.PersistenceTimeout / time.Second),
		Quorum: v.Quorum, Quorate: d.want.memory.quorums[service].has, RealServers: []RealServerStatus{}}
	if v.Sorry.Address.IsValid() {
		s.SorryServer = &SorryStatus{Address: v.Sorry.Address, Serves: d.want.memory.sorryServes(v.VirtualServer)}
	}
	switch {
	case v.Group != "":
		s.Address = "group " + v.Group
	case v.FWMark != 0:
		s.Address = fmt.Sprintf("fwmark %d", v.FWMark)
	}
	s.services = v.keys
	for i := range v.RealServers {
		r, is := &v.RealServers[i], d.want.memory.at(service, i)
		rs := RealServerStatus{Address: r.Address, Weight: r.Weight, Kept: is.kept, Healthy: is.up && !is.kept,
			Checks: []CheckStatus{}, ServerOrders: d.health.orders[member{v.name, r.Address}].shown()}
		if len(s.services) > 0 { // all of a group have the same
			first := s.services[0]
			wanted, _ := first.server(r).in(d.want.services)
			rs.EffectiveWeight = wanted.Weight
		}
		for _, spec := range v.specs[i] {
			verdict := verdicts[spec]
			c := CheckStatus{Check: spec.String(), State: verdict.State().String(), Since: verdict.Since}
			if err := verdict.Err; err != nil {
				c.Error = err.Error()
			}
			if verdict.Fault != nil {
				c.Error = verdict.Fault.Error()
			}
			if at := verdict.Found.Expires; !at.IsZero() {
				c.Expires = &at
			}
			rs.Checks = append(rs.Checks, c)
		}
		s.RealServers = append(s.RealServers, rs)
	}
	s.RealServers = append(s.RealServers, d.draining(s.services)...)
	return s
}

// draining are the servers that a reload removed from the services, each once.
func (d *Director) draining(list []served) []RealServerStatus {
	var addresses []netip.AddrPort
	for _, s := range list {
		for key := range d.drains {
			if key.service == s.key && !slices.Contains(addresses, key.address) {
				addresses = append(addresses, key.address)
			}
		}
	}
	slices.SortFunc(addresses, netip.AddrPort.Compare)
	var all []RealServerStatus
	for _, a := range addresses {
		all = append(all, RealServerStatus{Address: a, ServerOrders: ServerOrders{Draining: true}, Removed: true, Checks: []CheckStatus{}})
	}
	return all
}

// SyncStatus is a synchronization daemon as the kernel has it.
type SyncStatus struct {
	State     string `json:"state"` // master sends, backup receives
	Interface string `json:"interface"`
	ID        uint8  `json:"id"`
}

// count fills in what the kernel says. What a virtual server has of several services is their sum.
func (s *Status) count(stats ipvs.Stats) {
	for state, d := range map[ipvs.DaemonState]ipvs.Daemon{ipvs.Sending: stats.Settings.Sender, ipvs.Receiving: stats.Settings.Receiver} {
		if d.Interface != "" {
			s.SyncDaemons = append(s.SyncDaemons, SyncStatus{state.String(), d.Interface, d.ID})
		}
	}
	slices.SortFunc(s.SyncDaemons, func(a, b SyncStatus) int { return strings.Compare(b.State, a.State) })
	kernel := map[ipvs.ServiceKey]*ipvs.ServiceStats{}
	for i := range stats.Services {
		kernel[stats.Services[i].Key] = &stats.Services[i]
	}
	for i := range s.Services {
		v := &s.Services[i]
		v.InKernel = len(v.services) > 0
		for _, service := range v.services {
			k := kernel[service.key]
			delete(kernel, service.key)
			if k == nil {
				v.InKernel = false
				continue
			}
			v.Connections += k.Counters.Connections
			v.countServers(service, k.Destinations)
		}
	}
	for i := range stats.Services { // in its order
		if k := &stats.Services[i]; kernel[k.Key] != nil && !k.Owned {
			s.Foreign = append(s.Foreign, k.Key.String())
		}
	}
}

// countServers adds what the kernel says of the servers of one service.
func (s *ServiceStatus) countServers(service served, list []ipvs.DestinationStats) {
	at := func(i int) netip.AddrPort {
		if r := &s.RealServers[i]; i >= len(service.RealServers) { // it drains
			return r.Address
		}
		return service.at(s.RealServers[i].Address, service.RealServers[i].Forwarding)
	}
	there := make(map[netip.AddrPort]*ipvs.DestinationStats, len(list))
	for i := range list {
		there[list[i].Address] = &list[i]
	}
	for i := range s.RealServers {
		r := &s.RealServers[i]
		if d := there[at(i)]; d != nil {
			r.InKernel = true
			r.Active, r.Inactive, r.Persistent = r.Active+d.Active, r.Inactive+d.Inactive, r.Persistent+d.Persistent
		}
	}
	if sorry := s.SorryServer; sorry != nil {
		if d := there[service.at(sorry.Address, service.Sorry.Forwarding)]; d != nil {
			sorry.InKernel = true
			sorry.Active, sorry.Inactive = sorry.Active+d.Active, sorry.Inactive+d.Inactive
		}
	}
}
