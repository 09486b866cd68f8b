package director

import (
	"slices"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/vrrp"
)

// Plan is what a reload from one configuration to another changes, and what follows from it. Its
// lists are never nil, so that each is an array in JSON.
type Plan struct {
	Global      []Entry `json:"global_defs"`
	Instances   []Entry `json:"instances"`
	Addresses   []Entry `json:"addresses"`
	Routes      []Entry `json:"routes"`
	Rules       []Entry `json:"rules"`
	SyncGroups  []Entry `json:"sync_groups"`
	Trackers    []Entry `json:"trackers"`
	Services    []Entry `json:"services"`
	RealServers []Entry `json:"real_servers"`
	Checks      []Entry `json:"checks"`
	Sysctls     []Entry `json:"sysctls"`
	Programs    []Entry `json:"programs"`
	// Consequences are ordered by severity, the worst first.
	Consequences []Consequence `json:"consequences"`
	Summary      Summary       `json:"summary"`
}

// Action is what happens to the thing that an Entry is about.
type Action string

// The actions.
const (
	Added   Action = "added"
	Changed Action = "changed"
	Removed Action = "removed"
)

// Entry is one thing of the configuration that changes.
type Entry struct {
	Action Action `json:"action"`
	// Name is unique among its list and In: "vrrp_instance web", "192.168.2.11/24 dev eth0",
	// "virtual_server TCP 192.168.2.11:80", "real_server 10.10.10.11:80".
	Name string `json:"name"`
	// In names what it belongs to: the vrrp_instance of an address or route, or static_routes and the
	// like; the virtual_server of a real_server.
	In string `json:"in,omitempty"`
	// Changes are what is changed, or for an addition what it is set to.
	Changes []Change `json:"changes"`
	// Note says why nothing is written to the kernel now.
	Note string `json:"note,omitempty"`

	key any // what the entry is about, as the parts know it
}

// Change is an attribute that becomes another: From is empty where it was not set, To where it is
// not set any more.
type Change struct {
	Attribute string `json:"attribute"`
	From      string `json:"from"`
	To        string `json:"to"`
}

// Severity says how much a consequence matters.
type Severity string

// The severities, the worst first: connections or addresses are lost, may be lost, or it is
// merely good to know.
const (
	Disruption Severity = "disruption"
	Warning    Severity = "warning"
	Info       Severity = "info"
)

// Consequence is what a reload leads to beyond what the entries say.
type Consequence struct {
	Severity Severity `json:"severity"`
	// Kind is a stable word for programs; docs/plan.md lists them.
	Kind    string `json:"kind"`
	Subject string `json:"subject"` // the name of an entry, or of what one is in
	Text    string `json:"text"`
	// Connections are those that the kernel has now and that are lost, where that is known.
	Connections uint64 `json:"connections,omitempty"`
}

// Summary counts the entries by their action.
type Summary struct {
	Add    int `json:"add"`
	Change int `json:"change"`
	Remove int `json:"remove"`
}

// Empty tells whether a reload changes nothing.
func (p *Plan) Empty() bool { return p.Summary == Summary{} }

// facts are what is known of the node that reloads.
type facts struct {
	// live is true where there is such a node; else the rest says nothing.
	live   bool
	states map[vrrp.Key]vrrp.State
	health health
	// servers has the kernel's connections; nil where they are not known.
	servers map[serverKey]ipvs.DestinationStats
}

// side is one of the two configurations of a plan.
type side struct {
	cfg      *conf.Config
	list     []served
	services map[ipvs.ServiceKey]served // the same by what the kernel knows them by
	health   health
	// want is what is configured: with every server healthy, and no quorum lost.
	want want
	// now is what the kernel has with the health that is known, and memory what that comes to.
	now    ipvs.Wanted
	memory memory
}

func newSide(cfg *conf.Config, h health, gid int) side {
	now := desired(compile(cfg, gid), h)
	s := side{cfg: cfg, list: services(cfg), services: map[ipvs.ServiceKey]served{}, health: h, now: now.services,
		memory: now.memory}
	alone := *cfg
	alone.Services = slices.Clone(cfg.Services)
	for i := range alone.Services {
		alone.Services[i].Sorry = conf.SorryServer{}
	}
	for _, v := range s.list {
		s.services[v.key] = v
	}
	s.want = desired(compile(&alone, gid), health{})
	return s
}

// Compare is the plan from one configuration to another where nothing is known of the node.
// gid is the group under which ping sockets are opened.
func Compare(from, to *conf.Config, gid int) Plan { return plan(from, to, facts{}, gid) }

func plan(from, to *conf.Config, known facts, gid int) Plan {
	if !known.live {
		known.health.memory = desired(compile(from, gid), health{}).memory
	}
	p := planner{facts: known, old: newSide(from, known.health, gid)}
	p.new = newSide(to, carried(known.health, p.old.want.checks, compile(to, gid).fixed.checks), gid)
	p.global()
	p.instances()
	p.addresses()
	p.routes()
	p.rules()
	p.groups()
	p.trackers()
	p.services()
	p.checks()
	p.servers()
	p.sysctls()
	p.programs()
	p.consequences()
	return p.finished()
}

// carried is what is known after a reload, as check.Set carries it: a check that stays keeps its
// verdict, and one that differs from a stopped one in its timing alone inherits that one's. Any
// other with alpha counts as down until it was made.
func carried(h health, before, after map[check.Spec]struct{}) health {
	stopped := map[check.Spec]bool{} // those with a verdict, and whether it is down
	for spec := range before {
		if _, stays := after[spec]; !stays && !h.untried[spec] {
			stopped[spec.Untimed()] = stopped[spec.Untimed()] || h.down[spec]
		}
	}
	carried := health{down: map[check.Spec]bool{}, untried: map[check.Spec]bool{}, orders: h.orders, memory: h.memory}
	for spec := range after {
		_, was := before[spec]
		fails, tried := stopped[spec.Untimed()]
		switch {
		case was && h.down[spec]:
			carried.down[spec] = true
			if h.untried[spec] {
				carried.untried[spec] = true
			}
		case !was && fails:
			carried.down[spec] = true
		case !was && !tried && spec.Alpha:
			carried.down[spec], carried.untried[spec] = true, true
		}
	}
	return carried
}

// planner makes one plan.
type planner struct {
	facts
	old, new side
	plan     Plan
	// renewed maps a check that is stopped to the one that takes its place.
	renewed map[check.Spec]check.Spec
}

// finished counts the entries and makes every list one.
func (p *planner) finished() Plan {
	for _, list := range p.plan.sections() {
		for i := range *list {
			e := &(*list)[i]
			if e.Changes == nil {
				e.Changes = []Change{}
			}
			switch e.Action {
			case Added:
				p.plan.Summary.Add++
			case Changed:
				p.plan.Summary.Change++
			case Removed:
				p.plan.Summary.Remove++
			}
		}
		if *list == nil {
			*list = []Entry{}
		}
	}
	if p.plan.Consequences == nil {
		p.plan.Consequences = []Consequence{}
	}
	return p.plan
}

func (p *Plan) sections() []*[]Entry {
	return []*[]Entry{&p.Global, &p.Instances, &p.Addresses, &p.Routes, &p.Rules, &p.SyncGroups, &p.Trackers, &p.Services, &p.RealServers,
		&p.Checks, &p.Sysctls, &p.Programs}
}

// The words that count at a start.
const (
	startupDelay   = "vrrp_startup_delay"
	delayAfterBoot = "vrrp_delay_after_boot"
)

// some is a duration, empty for none.
func some(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func (p *planner) global() {
	if c := changes(globalAttributes(&p.old), globalAttributes(&p.new)); len(c) > 0 {
		e := Entry{Action: Changed, Name: "global_defs", Changes: c}
		for _, a := range c {
			if a.Attribute == startupDelay || a.Attribute == delayAfterBoot {
				e.Note = startupDelay + " and " + delayAfterBoot + " count at the start of lvsd"
			}
		}
		p.plan.Global = []Entry{e}
	}
}
