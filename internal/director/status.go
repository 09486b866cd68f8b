package director

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"lvsd/internal/conf"
	"lvsd/internal/elector"
	"lvsd/internal/netif"
)

// Status is the node as "lvsd status" shows it.
type Status struct {
	Node      string    `json:"node"`
	Version   string    `json:"version"`
	Started   time.Time `json:"started"`
	File      string    `json:"file"`
	IPVSError string    `json:"ipvs_error,omitempty"` // why no service works; empty when they do
	// NftablesError is why packets are not marked or masqueraded as they should be; empty when they are.
	NftablesError string           `json:"nftables_error,omitempty"`
	Instances     []InstanceStatus `json:"instances"`
	Static        *StaticStatus    `json:"static,omitempty"`
	// Trackers are what instances track, apart from interfaces.
	Trackers []TrackerStatus `json:"trackers"`
	Services []ServiceStatus `json:"services"`
	// SyncDaemons are the kernel's connection synchronization daemons.
	SyncDaemons []SyncStatus `json:"sync_daemons,omitempty"`
	// Foreign are the kernel's services that lvsd never configured and leaves alone.
	Foreign []string `json:"foreign_services"`
}

// InstanceStatus is a VRRP instance at work.
type InstanceStatus struct {
	Name              string          `json:"name"`
	Interface         string          `json:"interface"`
	VirtualRouterID   uint8           `json:"virtual_router_id"`
	Version           uint8           `json:"version"`
	Family            string          `json:"family"` // of adverts: IPv4 or IPv6
	State             string          `json:"state"`  // INIT, FAULT, BACKUP or MASTER
	Since             time.Time       `json:"since"`
	Reason            string          `json:"reason"`
	Master            string          `json:"master,omitempty"` // another node that is master
	Priority          uint8           `json:"priority"`
	EffectivePriority uint8           `json:"effective_priority"`
	SyncGroup         string          `json:"sync_group,omitempty"`
	Addresses         []AddressStatus `json:"addresses"`
	Routing           *RoutingStatus  `json:"routing,omitempty"`
	Adverts           AdvertStatus    `json:"adverts"`
}

// AdvertStatus counts adverts since the election's process began, or the instance was configured.
type AdvertStatus struct {
	Sent    uint64            `json:"sent"`
	Heard   uint64            `json:"heard"`             // that counted
	Refused map[string]uint64 `json:"refused,omitempty"` // by the reason
}

// StaticStatus is what stands whoever is master.
type StaticStatus struct {
	Addresses []AddressStatus `json:"addresses"`
	Routing   *RoutingStatus  `json:"routing,omitempty"`
}

// RoutingStatus counts the kernel's entries of routes and rules: an IPv6 route has one for each nexthop.
type RoutingStatus struct {
	Wanted  int      `json:"wanted"` // while the instance is master
	Present int      `json:"present"`
	Missing []string `json:"missing,omitempty"` // of those that should be there now, the first 20
}

// TrackerStatus is something that instances track.
type TrackerStatus struct {
	Kind  string    `json:"kind"` // script, file, process, address or virtual server
	Name  string    `json:"name"`
	State string    `json:"state"`           // unknown, up or down; a file is up when it was read
	Value *int      `json:"value,omitempty"` // of a file
	Since time.Time `json:"since"`
	Error string    `json:"error,omitempty"` // why it is down, or why it cannot be watched
}

func familyName(six bool) string {
	if six {
		return "IPv6"
	}
	return "IPv4"
}

// AddressStatus is a virtual address and whether it is on its interface now.
type AddressStatus struct {
	Address netip.Prefix `json:"address"`
	Dev     string       `json:"dev"`
	Present bool         `json:"present"`
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
		if s.IPVSError == "" && len(s.Services) > 0 {
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
		Instances: []InstanceStatus{}, Trackers: []TrackerStatus{}, Services: []ServiceStatus{}, Foreign: []string{}}
	if d.ipvsErr != nil && d.want.services.Len() > 0 {
		s.IPVSError = d.ipvsErr.Error()
	}
	if d.packetsErr != nil {
		s.NftablesError = d.packetsErr.Error()
	}
	present := d.elector.Present()
	for i := range d.cfg.Instances {
		s.Instances = append(s.Instances, d.instanceStatus(&d.cfg.Instances[i], &present))
	}
	s.Static = d.staticStatus(present.Kernel[staticKey])
	s.Trackers = append(s.Trackers, d.trackerStatus()...)
	verdicts := d.checks.Verdicts()
	for i := range d.compiled.services {
		s.Services = append(s.Services, d.serviceStatus(i, verdicts))
	}
	return s
}

func (d *Director) instanceStatus(i *conf.Instance, present *elector.Presence) InstanceStatus {
	key := instanceKey(i)
	r, elected := d.roles[key]
	if !elected {
		r.since, r.priority = d.started, i.Priority
	}
	s := InstanceStatus{Name: i.Name, Interface: i.Interface, VirtualRouterID: i.VirtualRouterID,
		Version: i.Version, Family: familyName(i.Transport.IPv6), State: r.state.String(), Since: r.since, Reason: r.reason, Master: r.master,
		Priority: i.Priority, EffectivePriority: r.priority, Addresses: []AddressStatus{}}
	for _, g := range d.cfg.SyncGroups {
		if slices.Contains(g.Members, i.Name) {
			s.SyncGroup = g.Name
		}
	}
	there, adverts := present.Kernel[key.String()], present.Adverts[key]
	s.Addresses, s.Routing = addressStatus(i.Moving(), there), routingStatus(there)
	s.Adverts = AdvertStatus{Sent: adverts.Sent, Heard: adverts.Heard, Refused: adverts.Refused}
	return s
}

// staticStatus is nil where nothing is static.
func (d *Director) staticStatus(there netif.Presence) *StaticStatus {
	if d.want.network.Instances[staticKey].Static {
		return &StaticStatus{addressStatus(d.cfg.StaticAddresses, there), routingStatus(there)}
	}
	return nil
}

func addressStatus(list []conf.VirtualAddress, there netif.Presence) []AddressStatus {
	all := []AddressStatus{}
	for _, a := range list {
		all = append(all, AddressStatus{Address: a.Prefix, Dev: a.Dev,
			Present: slices.ContainsFunc(there.Addresses, func(p netif.Address) bool { return p.Prefix == a.Prefix && p.Dev == a.Dev })})
	}
	return all
}

// routingStatus is nil where there is neither route nor rule.
func routingStatus(there netif.Presence) *RoutingStatus {
	if there.Wanted == 0 {
		return nil
	}
	return &RoutingStatus{there.Wanted, there.Routes, there.Missing}
}
