package director

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
)

// Status is the node as "lvsd status" shows it.
type Status struct {
	Node      string           `json:"node"`
	Version   string           `json:"version"`
	Started   time.Time        `json:"started"`
	File      string           `json:"file"`
	IPVSError string           `json:"ipvs_error,omitempty"` // why no service works; empty when they do
	Instances []InstanceStatus `json:"instances"`
	Services  []ServiceStatus  `json:"services"`
	// Foreign are the kernel's services that lvsd never configured and leaves alone.
	Foreign []string `json:"foreign_services"`
}

// InstanceStatus is a VRRP instance at work.
type InstanceStatus struct {
	Name              string          `json:"name"`
	Interface         string          `json:"interface"`
	VirtualRouterID   uint8           `json:"virtual_router_id"`
	Version           uint8           `json:"version"`
	State             string          `json:"state"` // INIT, FAULT, BACKUP or MASTER
	Since             time.Time       `json:"since"`
	Reason            string          `json:"reason"`
	Master            string          `json:"master,omitempty"` // another node that is master
	Priority          uint8           `json:"priority"`
	EffectivePriority uint8           `json:"effective_priority"`
	SyncGroup         string          `json:"sync_group,omitempty"`
	Addresses         []AddressStatus `json:"addresses"`
}

// AddressStatus is a virtual address and whether it is on its interface now.
type AddressStatus struct {
	Address netip.Prefix `json:"address"`
	Dev     string       `json:"dev"`
	Present bool         `json:"present"`
}

// ServiceStatus is a virtual server with its real servers.
type ServiceStatus struct {
	Address            string             `json:"address"`  // "192.168.2.11:80" or "fwmark 100"
	Protocol           string             `json:"protocol"` // tcp, udp, sctp; empty with a firewall mark
	Scheduler          string             `json:"scheduler"`
	Forwarding         string             `json:"forwarding"`
	PersistenceTimeout int                `json:"persistence_timeout"` // seconds, 0 is off
	Quorum             int                `json:"quorum"`
	Quorate            bool               `json:"quorate"`
	SorryServer        *SorryStatus       `json:"sorry_server,omitempty"`
	InKernel           bool               `json:"in_kernel"`
	Connections        uint64             `json:"connections"` // since the service was made
	RealServers        []RealServerStatus `json:"real_servers"`

	key ipvs.ServiceKey
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
	Draining        bool           `json:"draining"`
	InKernel        bool           `json:"in_kernel"`
	Active          uint32         `json:"active_connections"`
	Inactive        uint32         `json:"inactive_connections"`
	Checks          []CheckStatus  `json:"checks"`
}

// CheckStatus is one check of a real server; several services may share it.
type CheckStatus struct {
	Check string    `json:"check"`
	State string    `json:"state"` // unknown, up or down
	Since time.Time `json:"since"`
	Error string    `json:"error,omitempty"`
}

// Status is what the node does now, with the kernel's own counters. Errors are ctx's.
func (d *Director) Status(ctx context.Context) (Status, error) {
	reply := make(chan Status, 1)
	d.inbox.post(statusRequest{reply})
	var s Status
	select {
	case s = <-reply:
	case <-ctx.Done():
		return Status{}, ctx.Err()
	}
	stats, err := d.services.Stats(ctx)
	if err != nil {
		if s.IPVSError == "" {
			s.IPVSError = err.Error()
		}
		return s, ctx.Err()
	}
	s.count(stats)
	return s, nil
}

// snapshot is the status without the kernel's counters.
func (d *Director) snapshot() Status {
	s := Status{Node: d.cfg.RouterID, Version: d.options.Version, Started: d.started, File: d.options.files(),
		Instances: []InstanceStatus{}, Services: []ServiceStatus{}, Foreign: []string{}}
	if d.ipvsErr != nil {
		s.IPVSError = d.ipvsErr.Error()
	}
	present := d.network.Present()
	for i := range d.cfg.Instances {
		s.Instances = append(s.Instances, d.instanceStatus(&d.cfg.Instances[i], present))
	}
	verdicts := d.checks.Verdicts()
	for i := range d.cfg.Services {
		s.Services = append(s.Services, d.serviceStatus(&d.cfg.Services[i], verdicts))
	}
	return s
}

func (d *Director) instanceStatus(i *conf.Instance, present map[string][]netif.Address) InstanceStatus {
	key := instanceKey(i)
	r, elected := d.roles[key]
	if !elected {
		r.since, r.priority = d.started, i.Priority
	}
	s := InstanceStatus{Name: i.Name, Interface: i.Interface, VirtualRouterID: i.VirtualRouterID,
		Version: i.Version, State: r.state.String(), Since: r.since, Reason: r.reason, Master: r.master,
		Priority: i.Priority, EffectivePriority: r.priority, Addresses: []AddressStatus{}}
	for _, g := range d.cfg.SyncGroups {
		if slices.Contains(g.Members, i.Name) {
			s.SyncGroup = g.Name
		}
	}
	for _, a := range i.Moving() {
		s.Addresses = append(s.Addresses, AddressStatus{Address: a.Prefix, Dev: a.Dev,
			Present: slices.ContainsFunc(present[key.String()], func(p netif.Address) bool {
				return p.Prefix == a.Prefix && p.Dev == a.Dev
			})})
	}
	return s
}

func (d *Director) serviceStatus(v *conf.VirtualServer, verdicts map[check.Spec]check.Verdict) ServiceStatus {
	key := serviceKey(v)
	s := ServiceStatus{Address: v.Address.String(), Protocol: string(v.Protocol), Scheduler: v.Scheduler,
		Forwarding: string(v.Forwarding), PersistenceTimeout: int(v.PersistenceTimeout / time.Second),
		Quorum: v.Quorum, Quorate: d.want.memory.quorate[key.String()], RealServers: []RealServerStatus{}, key: key}
	if v.Sorry.Address.IsValid() {
		s.SorryServer = &SorryStatus{Address: v.Sorry.Address, Serves: sorryServes(v, d.want.memory)}
	}
	if v.FWMark != 0 {
		s.Address = fmt.Sprintf("fwmark %d", v.FWMark)
	}
	for i := range v.RealServers {
		r := &v.RealServers[i]
		rs := RealServerStatus{Address: r.Address, Weight: r.Weight, Healthy: d.want.memory.up[member{key.String(), r.Address}],
			EffectiveWeight: d.want.services[key].Destinations[r.Address].Weight, Checks: []CheckStatus{}}
		for _, spec := range specs(r) {
			verdict := verdicts[spec]
			c := CheckStatus{Check: spec.String(), State: verdict.State().String(), Since: verdict.Since}
			if err := verdict.Err; err != nil {
				c.Error = err.Error()
			}
			if verdict.Fault != nil {
				c.Error = verdict.Fault.Error()
			}
			rs.Checks = append(rs.Checks, c)
		}
		s.RealServers = append(s.RealServers, rs)
	}
	return s
}

// count fills in what the kernel says.
func (s *Status) count(stats ipvs.Stats) {
	ours := map[ipvs.ServiceKey]*ServiceStatus{}
	for i := range s.Services {
		ours[s.Services[i].key] = &s.Services[i]
	}
	for _, k := range stats.Services {
		service := ours[k.Key]
		if service == nil {
			if !k.Owned {
				s.Foreign = append(s.Foreign, k.Key.String())
			}
			continue
		}
		service.InKernel, service.Connections = true, k.Counters.Connections
		for _, dest := range k.Destinations {
			if sorry := service.SorryServer; sorry != nil && sorry.Address == dest.Address {
				sorry.InKernel, sorry.Active, sorry.Inactive = true, dest.Active, dest.Inactive
			}
			for i := range service.RealServers {
				if r := &service.RealServers[i]; r.Address == dest.Address {
					r.InKernel, r.Active, r.Inactive = true, dest.Active, dest.Inactive
				}
			}
		}
	}
}
