package director

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"
	"go.uber.org/zap"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/vrrp"
)

// This file turns what the parts report into events, and acknowledgements into the next step of
// the rollout.

func (d *Director) warn(r *conf.Result) {
	for _, diag := range r.Diags {
		if diag.Severity == hcl.DiagWarning {
			d.journal.event(ConfigurationWarning, zap.String("problem", conf.OneLine(diag)))
		}
	}
}

func (d *Director) refuse(r *conf.Result) {
	var problems []string
	for _, diag := range r.Diags {
		if diag.Severity == hcl.DiagError {
			problems = append(problems, conf.OneLine(diag))
		}
	}
	d.journal.event(ReloadRefused, zap.String("file", d.options.files()), zap.String("error", problems[0]),
		zap.Int("errors", len(problems)), zap.Strings("problems", problems))
}

func (d *Director) transition(t vrrp.Transition) {
	d.roles[t.Key] = role{state: t.To, since: time.Now(), reason: t.Reason, priority: t.Priority}
	d.journal.event(RoleChanged, zap.String("instance", t.Name), zap.String("interface", t.Key.Interface),
		zap.Uint8("virtual_router_id", t.Key.VRID), zap.Stringer("from", t.From), zap.Stringer("to", t.To),
		zap.String("reason", t.Reason))
	d.tellState(t)
}

func (d *Director) note(n vrrp.Note) {
	fields := []zap.Field{zap.String("instance", n.Name), zap.String("interface", n.Key.Interface)}
	if n.Peer.IsValid() {
		fields = append(fields, zap.Stringer("peer", n.Peer), zap.Uint8("peer_priority", n.Priority))
	}
	switch n.Kind {
	case vrrp.NoteMaster:
		if r, ok := d.roles[n.Key]; ok {
			r.master = n.Peer.String()
			d.roles[n.Key] = r
		}
		d.journal.event(MasterSeen, fields...)
	case vrrp.NotePriority:
		if r, ok := d.roles[n.Key]; ok {
			r.priority = n.Priority
			d.roles[n.Key] = r
		}
		d.journal.event(PriorityChanged, append(fields, zap.Uint8("from", n.Was), zap.Uint8("to", n.Priority),
			zap.String("weights", n.Weights))...)
	case vrrp.NoteDuplicate:
		d.journal.event(DuplicateMaster, fields...)
		d.run(d.want.programs, call{instanceTitle(n.Name), "notify_master_rx_lower_pri"})
	case vrrp.NoteRefused:
		d.journal.event(AdvertRefused, append(fields, zap.Error(n.Err))...)
	case vrrp.NoteAddresses:
		d.journal.event(AddressesDiffer, append(fields, zap.Stringers("advertised", n.Advertised))...)
	case vrrp.NoteInterval:
		d.journal.event(IntervalsDiffer, append(fields, zap.Duration("advert_int", n.Interval), zap.Duration("ours", n.Ours))...)
	case vrrp.NoteStall:
		d.journal.event(ElectionStalled, append(fields, zap.Duration("late", n.Late))...)
	case vrrp.NoteSocket:
		fields = fields[1:] // an interface, whatever the instance
		if n.Err != nil {
			d.journal.event(ElectionDeaf, append(fields, zap.Error(n.Err))...)
		} else {
			d.journal.event(ElectionHears, fields...)
		}
	}
}

// maxOps bounds how many operations one line names, and how many lines there are of refused ones; their number is always
// given.
const maxOps = 20

func (d *Director) servicesReport(r ipvs.Report) {
	d.ipvsState(r)
	d.noteSysctls(r.Differ)
	applied := slices.DeleteFunc(slices.Clone(r.Applied), func(op ipvs.Op) bool {
		if op.Kind != ipvs.SetSysctl {
			return false
		}
		d.journal.event(SysctlSet, zap.Stringer("name", op.Sysctl.Sysctl), zap.String("value", strconv.Itoa(int(op.Sysctl.Want))),
			zap.String("was", strconv.Itoa(int(op.Sysctl.Has))))
		return true
	})
	if n := len(applied); n > 0 {
		var ops []string
		for _, op := range applied[:min(n, maxOps)] {
			ops = append(ops, op.String())
		}
		if r.Healed {
			d.repaired(thing{event: ServicesHealed}, n, ops)
		} else {
			d.journal.event(ServicesSet, zap.Int("operations", n), zap.Strings("first", ops))
		}
	}
	refused := slices.DeleteFunc(slices.Clone(r.Failed), func(f *ipvs.OpError) bool {
		switch f.Op.Kind {
		case ipvs.SetSysctl:
			d.journal.event(SysctlFailed, zap.Stringer("name", f.Op.Sysctl.Sysctl), zap.String("value", strconv.Itoa(int(f.Op.Sysctl.Want))),
				zap.Error(f.Err))
		case ipvs.LoadFTP:
			d.journal.event(FTPMissing, zap.Error(f.Err))
		default:
			return false
		}
		return true
	})
	for i, f := range refused[:min(len(refused), maxOps)] {
		fields := []zap.Field{zap.Error(f), zap.Int("pending", r.Pending)}
		if more := len(refused) - maxOps; more > 0 && i == maxOps-1 {
			fields = append(fields, zap.Int("more", more)) // what one service is refused, thousands may be
		}
		d.journal.event(ServicesFailed, fields...)
	}
	d.rollout.services.reached = max(d.rollout.services.reached, r.Generation)
	d.advance()
}

func (d *Director) packetReport(r netif.PacketReport) {
	if n := len(r.Done); n > 0 {
		first := r.Done[:min(n, maxOps)]
		if r.Healed {
			d.repaired(thing{event: PacketsHealed}, n, first)
		} else {
			d.journal.event(PacketsSet, zap.Int("operations", n), zap.Strings("first", first))
		}
	}
	if r.Err != nil && (d.packetsErr == nil || d.packetsErr.Error() != r.Err.Error()) {
		d.journal.event(PacketsFailed, zap.Error(r.Err))
	}
	d.packetsErr = r.Err
	d.rollout.packets.reached = max(d.rollout.packets.reached, r.Generation)
	d.advance()
}

// ipvsState notes what the applier found of the kernel's IPVS, and what is wrong with the state file.
func (d *Director) ipvsState(r ipvs.Report) {
	d.ipvsErr = r.Down
	d.noteIPVS()
	if r.State != nil {
		d.journal.event(HostTrouble, zap.String("part", "services"), zap.Error(r.State))
	}
}

// noteIPVS tells that the kernel's IPVS is missing or there again, where there are services that
// need it.
func (d *Director) noteIPVS() {
	missing := d.ipvsErr != nil && d.want.services.Len() > 0
	switch {
	case missing && !d.ipvsMissed:
		d.journal.event(IPVSMissing, zap.Error(d.ipvsErr))
	case d.ipvsErr == nil && d.ipvsMissed:
		d.journal.event(IPVSPresent)
	}
	d.ipvsMissed = missing || d.ipvsMissed && d.ipvsErr != nil
}

func (d *Director) networkReport(report netif.Report) {
	switch r := report.(type) {
	case netif.Applied:
		d.rollout.network.reached = max(d.rollout.network.reached, r.Generation)
		d.advance()
	case netif.Added:
		fields := []zap.Field{zap.String("instance", d.name(r.Instance)), zap.Stringer("address", r.Address), zap.String("why", string(r.Why))}
		if r.Why == netif.Healed {
			d.repaired(thing{AddressHealed, r.Address.String()}, 1, nil, fields...)
		} else {
			d.journal.event(AddressAdded, fields...)
		}
	case netif.Removed:
		d.journal.event(AddressRemoved, zap.String("instance", d.name(r.Instance)),
			zap.Stringer("address", r.Address), zap.String("why", string(r.Why)))
	case netif.OpFailed:
		d.journal.event(AddressFailed, zap.String("operation", fmt.Sprint(r.Op)), zap.Error(r.Err))
	case netif.LeaseFailed:
		d.journal.event(AddressFailed, zap.String("operation", "renew the addresses of "+d.name(r.Instance)), zap.Error(r.Err))
	case netif.Announced:
		fields := []zap.Field{zap.String("instance", d.name(r.Instance)), zap.Int("frames", r.Frames)}
		if r.Err != nil {
			d.journal.event(AnnouncementFails, append(fields, zap.Error(r.Err))...)
		} else {
			d.journal.event(AddressAnnounced, fields...)
		}
	case netif.Routed:
		d.routed(r)
	case netif.RoutingFailed:
		d.journal.event(RoutesFailed, zap.String("instance", d.name(r.Change.Instance)), zap.Stringer("operation", r.Change), zap.Error(r.Err))
	case netif.SysctlSet:
		d.journal.event(SysctlSet, zap.String("name", r.Sysctl.Name), zap.String("value", r.Sysctl.Value),
			zap.String("was", r.Was))
	case netif.SysctlFailed:
		d.journal.event(SysctlFailed, zap.String("name", r.Sysctl.Name), zap.String("value", r.Sysctl.Value),
			zap.Error(r.Err))
	case netif.Conflict:
		d.journal.event(AddressConflict, zap.String("instance", d.name(r.Instance)), zap.Stringer("address", r.Address),
			zap.String("interface", r.Dev), zap.Strings("macs", r.MACs), zap.Bool("master", r.Master))
	case netif.Trouble:
		d.journal.event(HostTrouble, zap.String("part", "addresses"), zap.Error(r.Err))
	}
}

// routed tells of routes and rules that were written, in one line for those that somebody had removed
// and in one for the others: an instance may have thousands.
func (d *Director) routed(r netif.Routed) {
	of := func(which func(netif.RoutingChange) bool) (n int, first, why []string) {
		for _, c := range r.Done {
			if !which(c) {
				continue
			}
			if n++; n <= maxOps {
				first = append(first, c.String())
			}
			if !slices.Contains(why, c.Why) {
				why = append(why, c.Why)
			}
		}
		return n, first, why
	}
	healed := func(c netif.RoutingChange) bool { return c.Why == string(netif.Healed) }
	if n, first, why := of(healed); n > 0 {
		d.repaired(thing{event: RoutesHealed}, n, first, zap.Strings("why", why))
	}
	if n, first, why := of(func(c netif.RoutingChange) bool { return !healed(c) }); n > 0 {
		d.journal.event(RoutesSet, zap.Int("operations", n), zap.Strings("first", first), zap.Strings("why", why))
	}
}

// name is the configured name of an instance that an applier knows by its key.
func (d *Director) name(key string) string {
	for i := range d.cfg.Instances {
		if i := &d.cfg.Instances[i]; instanceKey(i).String() == key {
			return i.Name
		}
	}
	return key
}

func (d *Director) checkFault(f checkFault) {
	check := zap.Stringer("check", f.spec)
	if f.err != nil {
		d.journal.event(CheckImpossible, check, zap.Error(f.err))
		return
	}
	d.journal.event(CheckPossible, check)
}

func (d *Director) checkFailed(f checkFailed) {
	d.journal.event(CheckFailed, zap.Stringer("check", f.spec), zap.Int("failures", f.verdict.Failures), zap.Error(f.verdict.Err))
}

func (d *Director) certificate(c certificate) {
	d.journal.event(CertificateEnds, zap.Stringer("check", c.spec), zap.Time("expires", c.expires),
		zap.Int("days", int(time.Until(c.expires).Hours()/24)))
}
