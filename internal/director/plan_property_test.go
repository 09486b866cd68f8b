package director

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/netif"
	"lvsd/internal/script"
	"lvsd/internal/track"
	"lvsd/internal/vrrp"
)

// These tests hold a plan to what a reload does: to the operations that the appliers, the checks
// and the election make of the same two configurations.

// TestPlanIsWhatIPVSDoes: the entries are the operations of ipvs.Plan, no more and no less.
func TestPlanIsWhatIPVSDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := somePair(t)
		var planned, done []string
		p := Compare(from, to, groupID)
		for _, e := range p.Services {
			kind := map[Action]ipvs.OpKind{Added: ipvs.AddService, Changed: ipvs.EditService, Removed: ipvs.DeleteService}[e.Action]
			if e.Action != Changed || slices.ContainsFunc(e.Changes, ofTheService) {
				planned = append(planned, fmt.Sprint(kind, " ", e.key))
			}
		}
		now := desire(to, health{}).services
		for _, e := range p.RealServers {
			key := e.key.(serverKey)
			_, stays := now.Get(key.service)
			if kind, writes := destinationOp(e); writes && stays { // else it goes with its service
				planned = append(planned, fmt.Sprint(kind, " ", key.service, " ", key.address))
			}
		}
		for _, op := range ipvsOps(withoutSorry(from), withoutSorry(to), health{}, health{}) {
			done = append(done, opText(op))
		}
		slices.Sort(planned)
		slices.Sort(done)
		if diff := gocmp.Diff(done, planned); diff != "" {
			t.Fatalf("(-done +planned):\n%s", diff)
		}
	})
}

// ofTheService tells whether the kernel has an attribute of a virtual server.
func ofTheService(c Change) bool {
	return !slices.ContainsFunc(quorumAttributes(&conf.VirtualServer{}), func(a attribute) bool { return a.name == c.Attribute })
}

// withoutSorry is a configuration whose real servers always serve.
func withoutSorry(cfg *conf.Config) *conf.Config {
	c := *cfg
	c.Services = slices.Clone(cfg.Services)
	for i := range c.Services {
		c.Services[i].Sorry = conf.SorryServer{}
	}
	return &c
}

// sorryOp tells whether an operation is on a sorry server, which is an attribute of its service.
func sorryOp(op ipvs.Op) bool {
	return op.Address.IsValid() && op.Address.Addr() == sorryAddress.Addr()
}

// destinationOp is what an entry of a server that is healthy comes to in the kernel.
func destinationOp(e Entry) (ipvs.OpKind, bool) {
	switch e.Action {
	case Added:
		return ipvs.AddDestination, true
	case Removed:
		return ipvs.DeleteDestination, true
	}
	return ipvs.EditDestination, slices.ContainsFunc(e.Changes, func(c Change) bool {
		return c.Attribute == "weight" || c.Attribute == "lb_kind" || c.Attribute == "uthreshold"
	})
}

func opText(op ipvs.Op) string {
	if op.Address.IsValid() {
		return fmt.Sprint(op.Kind, " ", op.Key, " ", op.Address)
	}
	return fmt.Sprint(op.Kind, " ", op.Key)
}

// ipvsOps are the writes of a reload to a kernel that is as the old configuration wants it.
func ipvsOps(from, to *conf.Config, before, after health) []ipvs.Op {
	have := plainTable(desire(from, before).services)
	owned := map[ipvs.ServiceKey]bool{}
	for key := range have {
		owned[key] = true
	}
	return ipvs.Plan(desire(to, after).services, have, owned)
}

// TestPlanOfFailingServers: whatever fails, the kernel is written to for the servers of entries
// that do not say otherwise, and for no other.
func TestPlanOfFailingServers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := somePair(t)
		down := someFailures(t, from)
		before, after := desire(from, health{}), desire(to, health{})
		known := health{down: down}
		known.memory = desire(from, known).memory
		p := plan(from, to, facts{live: true, health: known}, groupID)
		written := map[serverKey]bool{}
		for _, op := range ipvsOps(from, to, known, carried(known, before.checks, after.checks)) {
			if op.Address.IsValid() && !sorryOp(op) {
				written[serverKey{op.Key, op.Address}] = true
			}
		}
		entries := map[serverKey]Entry{}
		for _, e := range p.RealServers {
			key := e.key.(serverKey)
			entries[key] = e
			_, stays := after.services.Get(key.service)
			_, writes := destinationOp(e)
			if e.Note != "" && written[key] {
				t.Fatalf("%+v is written", e)
			}
			if e.Note == "" && writes && stays && !written[key] {
				t.Fatalf("%+v is not written", e)
			}
		}
		swapped := map[string]bool{} // virtual servers whose sorry server comes or goes
		for _, c := range p.Consequences {
			swapped[c.Subject] = swapped[c.Subject] || strings.HasPrefix(c.Kind, "quorum_")
		}
		for key := range written {
			if e, ok := entries[key]; !ok && !swapped[serviceTitle(key.service)] {
				t.Fatalf("%v is written, and is not in the plan: %+v", key, e)
			}
		}
	})
}

// TestPlanIsWhatNetifDoes: the entries are the operations of netif.Plan, whoever is master.
func TestPlanIsWhatNetifDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := somePair(t)
		old, now := side{cfg: from, want: desire(from, health{})}, side{cfg: to, want: desire(to, health{})}
		roles := map[string]netif.Role{}
		for _, key := range []string{"eth0/51", "eth0/52", "eth1/51", "eth1/52"} {
			roles[key] = netif.Role{Master: rapid.Bool().Draw(t, key+" is master"), Until: time.Unix(1, 0)}
		}
		master := func(h held) bool { return roles[h.instance].Master }
		have := map[netif.Address]struct{}{}
		before := map[place]held{}
		for _, h := range old.held() {
			before[h.place()] = h
			if master(h) {
				have[h.Address] = struct{}{}
			}
		}
		var planned, done []string
		for _, e := range Compare(from, to, groupID).Addresses {
			h := e.key.(held)
			was := before[h.place()]
			had := e.Action != Added && master(was)
			has := e.Action != Removed && master(h)
			same := had && has && was.Address == h.Address
			if has && !same {
				planned = append(planned, "add "+h.String())
			}
			if had && !same {
				planned = append(planned, "delete "+was.String())
			}
		}
		for _, op := range netif.Plan(now.want.network, roles, maps.Clone(have), have, time.Unix(0, 0)) {
			done = append(done, op.Kind.String()+" "+op.Address.String())
		}
		slices.Sort(planned)
		slices.Sort(done)
		if diff := gocmp.Diff(done, planned); diff != "" {
			t.Fatalf("(-done +planned):\n%s", diff)
		}
	})
}

// TestPlanIsWhatChecksDo: a set of checks starts those that are added or changed, and stops those
// that are removed or changed.
func TestPlanIsWhatChecksDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := somePair(t)
		// Of checks that are made every few thousand hours none is made in a test.
		rarely := func(s check.Spec) check.Spec { s.Interval *= 1e6; return s }
		set := check.NewSet(check.Options{})
		defer set.Close()
		run := func(cfg *conf.Config) map[check.Spec]bool {
			all := map[check.Spec]struct{}{}
			w := desire(cfg, health{})
			for spec := range w.checks {
				if !slices.Contains(slices.Collect(maps.Values(w.trackers)), watched(spec)) { // else it is a tracker's
					all[rarely(spec)] = struct{}{}
				}
			}
			set.Apply(all)
			running := map[check.Spec]bool{}
			for spec := range set.Verdicts() {
				running[spec] = true
			}
			return running
		}
		before, after := run(from), run(to)
		started, stopped := maps.Clone(after), maps.Clone(before)
		maps.DeleteFunc(started, func(s check.Spec, _ bool) bool { return before[s] })
		maps.DeleteFunc(stopped, func(s check.Spec, _ bool) bool { return after[s] })
		p := Compare(from, to, groupID)
		for _, e := range p.Checks {
			spec := rarely(e.key.(check.Spec))
			running, what := started, "started"
			if e.Action == Removed {
				running, what = stopped, "stopped"
			}
			if !running[spec] {
				t.Fatalf("%+v: it is not %s", e, what)
			}
			delete(running, spec)
		}
		for _, e := range p.Checks { // of what remains, each that is changed has one that is stopped for it
			for old := range stopped {
				if e.Action == Changed && checkTitle(old) == e.Name {
					delete(stopped, old)
					break
				}
			}
		}
		if len(started) > 0 || len(stopped) > 0 {
			t.Fatalf("started and not planned: %v, stopped and not planned: %v", started, stopped)
		}
	})
}

// TestPlanIsWhatTheElectionDoes: instances that are added enter the election, those that are
// removed leave it, and no advert goes out for one that is not in the plan.
func TestPlanIsWhatTheElectionDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := somePair(t)
		old, now := desire(from, health{}), desire(to, health{})
		e, at := elected(t, old)
		var out vrrp.Output
		e.Configure(at, now.instances, now.groups, &out)
		p := Compare(from, to, groupID)

		planned := map[vrrp.Key]Action{}
		for _, entry := range p.Instances {
			planned[entry.key.(vrrp.Key)] = entry.Action
		}
		done := map[vrrp.Key]Action{}
		for _, tr := range out.Transitions {
			switch {
			case tr.To == vrrp.Init:
				done[tr.Key] = Removed
			case tr.From == vrrp.Init:
				done[tr.Key] = Added
			default:
				t.Fatalf("%+v", tr) // all were master, so that no group is mixed
			}
		}
		for key, action := range planned {
			if action != Changed && done[key] != action {
				t.Fatalf("%s is %s in the plan, %q in the election", key, action, done[key])
			}
		}
		for key, action := range done {
			if planned[key] != action {
				t.Fatalf("%s is %s in the election, %q in the plan", key, action, planned[key])
			}
		}
		touched := map[string]bool{} // instances whose addresses differ
		for _, entry := range p.Addresses {
			h := entry.key.(held)
			touched[h.instance] = true
			for _, was := range (&side{want: old}).held() {
				if was.place() == h.place() {
					touched[was.instance] = true
				}
			}
		}
		for _, s := range out.Sends {
			if planned[s.Key] == "" && !touched[s.Key.String()] {
				t.Fatalf("%s sends %+v, and is not in the plan %+v", s.Key, s.Advert, p)
			}
		}
	})
}

// elected is an election in which every instance has become master.
func elected(t *rapid.T, w want) (*vrrp.Election, time.Time) {
	links := map[string]vrrp.Link{}
	for i := range 3 {
		links[fmt.Sprint("eth", i)] = vrrp.Link{Index: i + 1, Up: true,
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})}}
	}
	e, at := vrrp.NewElection(), time.Unix(0, 0)
	var out vrrp.Output
	e.Configure(at, w.instances, w.groups, &out)
	e.SetLinks(at, links, &out)
	up := map[vrrp.Tracker]vrrp.Reading{}
	for _, name := range []string{"x", "y"} {
		for _, kind := range trackerKinds() {
			up[vrrp.Tracker{Kind: kind, Name: name}] = vrrp.Reading{Up: true}
		}
	}
	e.SetReadings(at, up, &out)
	masters := map[vrrp.Key]bool{}
	for range 1000 {
		for _, tr := range out.Transitions {
			masters[tr.Key] = tr.To == vrrp.Master
		}
		out.Reset()
		count := 0
		for _, master := range masters {
			if master {
				count++
			}
		}
		if count == len(w.instances) {
			return e, at
		}
		at = e.Deadline()
		e.Tick(at, &out)
	}
	t.Fatal("not all became master")
	return nil, at
}

// TestEmptyPlan: a plan is empty if, and only if, the two configurations want the same whatever
// fails.
func TestEmptyPlan(t *testing.T) {
	empty := 0
	rapid.Check(t, func(t *rapid.T) {
		from, to := somePair(t)
		for _, cfg := range []*conf.Config{from, to} {
			for i := range cfg.Services {
				// A sorry server hides those of which none ever serves.
				cfg.Services[i].Quorum, cfg.Services[i].Hysteresis = 1, 0
				for j := range cfg.Services[i].RealServers {
					// One that gets no connections anyhow shows no failure.
					r := &cfg.Services[i].RealServers[j]
					r.Weight = max(r.Weight, 1)
				}
			}
		}
		failures := []map[check.Spec]bool{nil, someFailures(t, from), someFailures(t, to)}
		for _, cfg := range []*conf.Config{from, to} {
			for spec := range desire(cfg, health{}).checks {
				failures = append(failures, map[check.Spec]bool{spec: true})
			}
		}
		same := quorumWords(from) == quorumWords(to)
		for _, down := range failures {
			same = same && normal(desire(from, health{down: down})) == normal(desire(to, health{down: down}))
		}
		p := Compare(from, to, groupID)
		if p.Empty() != same {
			t.Fatalf("the same is wanted: %t, the plan is %+v\n%s", same, p,
				gocmp.Diff(normal(desire(from, health{})), normal(desire(to, health{}))))
		}
		if p.Empty() && len(p.Consequences) > 0 {
			t.Fatalf("nothing has consequences: %+v", p.Consequences)
		}
		if same {
			empty++
		}
	})
	if empty == 0 {
		t.Error("no pair wanted the same: nothing was shown of empty plans")
	}
}

// quorumWords writes what counts when a quorum is lost.
func quorumWords(cfg *conf.Config) string {
	var words []string
	for _, v := range services(cfg) { // none of a group that is empty
		text := fmt.Sprint(v.key, quorumAttributes(v.VirtualServer))
		for _, r := range v.RealServers {
			if v.Sorry.Address.IsValid() && r.InhibitOnFailure {
				text += " " + r.Address.String()
			}
		}
		words = append(words, text)
	}
	slices.Sort(words)
	return strings.Join(words, "\n")
}

// normal writes what is wanted, in an order of its own where order does not matter.
func normal(w want) string {
	w.instances, w.groups = slices.Clone(w.instances), slices.Clone(w.groups)
	for i := range w.instances {
		w.instances[i].Track = slices.SortedFunc(slices.Values(w.instances[i].Track), func(a, b vrrp.Track) int {
			return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
		})
	}
	slices.SortFunc(w.instances, func(a, b vrrp.Config) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	for i := range w.groups {
		w.groups[i].Members = slices.SortedFunc(slices.Values(w.groups[i].Members), func(a, b vrrp.Key) int {
			return strings.Compare(a.String(), b.String())
		})
	}
	slices.SortFunc(w.groups, func(a, b vrrp.SyncGroup) int { return strings.Compare(a.Name, b.Name) })
	w.network.Instances = maps.Clone(w.network.Instances)
	for key, n := range w.network.Instances {
		n.Routes = slices.SortedFunc(slices.Values(n.Routes), func(a, b netif.Route) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		n.Rules = slices.SortedFunc(slices.Values(n.Rules), func(a, b netif.Rule) int { return strings.Compare(a.String(), b.String()) })
		w.network.Instances[key] = n
	}
	w.network.Sysctls = slices.SortedFunc(slices.Values(w.network.Sysctls), func(a, b netif.Sysctl) int {
		return strings.Compare(a.Name, b.Name)
	})
	return render(w)
}

// TestPlanSeesEveryField: what a part can tell apart, a plan can: no field of what is wanted is
// left out of its attributes.
func TestPlanSeesEveryField(t *testing.T) {
	spec := func(s any) []attribute { return checkAttributes(s.(check.Spec)) }
	request := func(r any) []attribute {
		return spec(check.Spec{Detail: check.NewDetail(check.Socket{}, r.(check.Request))})
	}
	for _, c := range []struct {
		value      any
		attributes func(any) []attribute
		elsewhere  []string // what identifies it, or is an entry of its own
	}{
		{vrrp.Config{}, func(v any) []attribute { c := v.(vrrp.Config); return instanceAttributes(&c, netif.Instance{}) },
			[]string{"Name", "Addresses", "Excluded", "Transport", "HMAC"}},
		{vrrp.HMAC{}, func(v any) []attribute { h := v.(vrrp.HMAC); return hmacAttributes(&h) }, nil},
		{vrrp.Transport{}, func(v any) []attribute { return transportAttributes(&vrrp.Config{Transport: v.(vrrp.Transport)}) }, nil},
		{netif.Instance{}, func(v any) []attribute { return instanceAttributes(&vrrp.Config{}, v.(netif.Instance)) },
			[]string{"Addresses", "Routes", "Rules", "Static", "NoTrack"}},
		{netif.Rule{}, func(v any) []attribute {
			return append(ruleAttributes(v.(netif.Rule)), attribute{name: "name", value: v.(netif.Rule).String()})
		}, []string{"Family", "L3mdev", "Goto", "Table", "Mark", "UIDs"}}, // with what they need beside them they are in the name
		{netif.Route{}, func(v any) []attribute { return routeAttributes(v.(netif.Route)) }, []string{"To", "Table", "Metric", "TOS"}},
		{netif.Address{}, func(v any) []attribute { return addressAttributes(held{Address: v.(netif.Address)}, "") }, []string{"Dev"}},
		{ipvs.Service{}, func(v any) []attribute { return serviceAttributes(v.(ipvs.Service), 4) }, nil},
		{ipvs.Destination{}, func(v any) []attribute { return serverAttributes(v.(ipvs.Destination), false, 0) }, nil},
		{check.Spec{}, spec, []string{"Kind", "Addr", "Detail", "Timing"}},
		{check.Timing{}, func(v any) []attribute { return spec(check.Spec{Timing: v.(check.Timing)}) }, nil},
		{check.Socket{}, func(v any) []attribute { return spec(check.Spec{Detail: check.NewDetail(v.(check.Socket), nil)}) }, nil},
		{check.HTTPRequest{}, request, []string{"Path"}},
		{check.TCPRequest{}, request, nil},
		{check.SMTPRequest{}, request, nil},
		{check.DNSRequest{}, request, nil},
		{check.UDPRequest{}, request, []string{"Mask", "Reply"}},
		{check.GRPCRequest{}, request, nil},
		{check.MiscRequest{}, request, nil},
		{check.FileRequest{}, request, nil},
		{check.Trust{}, func(v any) []attribute { return request(check.HTTPRequest{Trust: v.(check.Trust)}) }, nil},
		{check.Match{}, func(v any) []attribute { return request(check.HTTPRequest{Match: v.(check.Match)}) }, nil},
		{track.Script{}, func(v any) []attribute { return scriptAttributes(v.(track.Script)) }, nil},
		{track.File{}, func(v any) []attribute { return fileAttributes(v.(track.File)) }, []string{"Overwrite", "InitValue"}},
		{track.Process{}, func(v any) []attribute { return processAttributes(v.(track.Process)) }, nil},
		{program{}, func(v any) []attribute { return []attribute{{name: "x", value: v.(program).text()}} }, []string{"Timeout"}},
		{script.Command{}, func(v any) []attribute { return scriptAttributes(track.Script{Command: v.(script.Command)}) }, nil},
		{netif.Sysctl{}, func(v any) []attribute { return []attribute{{name: "value", value: v.(netif.Sysctl).Value}} }, []string{"Name"}},
	} {
		kind := reflect.TypeOf(c.value)
		for i := range kind.NumField() {
			field := kind.Field(i)
			if slices.Contains(c.elsewhere, field.Name) {
				continue
			}
			other := reflect.New(kind).Elem()
			other.Field(i).Set(something(t, field.Type))
			if len(changes(c.attributes(c.value), c.attributes(other.Interface()))) == 0 {
				t.Errorf("%s.%s changes nothing in a plan", kind, field.Name)
			}
		}
	}
}

// something is a value of a type that is not its zero value.
func something(t *testing.T, kind reflect.Type) reflect.Value {
	t.Helper()
	v := reflect.New(kind).Elem()
	switch known := v.Interface().(type) {
	case netip.Prefix:
		return reflect.ValueOf(netip.MustParsePrefix("192.0.2.1/24"))
	case netif.Range:
		return reflect.ValueOf(netif.Range{First: 1, Last: 2})
	case netif.Metrics:
		known[2] = 1400
		return reflect.ValueOf(known)
	case check.StatusCodes:
		known.Add(200, 200)
		return reflect.ValueOf(known)
	case check.Digest:
		known, _ = check.ParseDigest(strings.Repeat("0", 32))
		return reflect.ValueOf(known)
	case script.Command:
		return reflect.ValueOf(script.Command{Line: "x"})
	case check.Trust:
		return reflect.ValueOf(check.Trust{CA: "x"})
	case check.Match:
		return reflect.ValueOf(check.Match{Expression: "x"})
	case netip.AddrPort:
		return reflect.ValueOf(netip.MustParseAddrPort("192.0.2.1:80"))
	case netip.Addr:
		return reflect.ValueOf(netip.MustParseAddr("192.0.2.1"))
	case vrrp.Password:
		return reflect.ValueOf(vrrp.Password{'x'})
	case vrrp.Key:
		return reflect.ValueOf(vrrp.Key{Interface: "eth0", VRID: 1})
	case script.Line:
		return reflect.ValueOf(script.NewLine("x"))
	case track.Match:
		return reflect.ValueOf(track.Partial)
	case []vrrp.Track:
		return reflect.ValueOf([]vrrp.Track{{Tracker: vrrp.Tracker{Name: "eth0"}}})
	case []vrrp.Peer:
		return reflect.ValueOf([]vrrp.Peer{{Addr: netip.MustParseAddr("192.0.2.1")}})
	case []vrrp.HMACKey:
		return reflect.ValueOf([]vrrp.HMACKey{{ID: 1, Key: "x"}})
	case netif.Flags:
		return reflect.ValueOf(netif.NoPrefixRoute)
	case []string:
		return reflect.ValueOf([]string{"eth0"})
	}
	switch {
	case v.CanInt():
		v.SetInt(1)
	case v.CanUint():
		v.SetUint(1)
	case kind.Kind() == reflect.String:
		v.SetString("x")
	case kind.Kind() == reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("no value of %s is known", kind)
	}
	return v
}
