package director

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logtest "go.uber.org/zap/zaptest/observer"

	"lvsd/internal/check"
	"lvsd/internal/conf"
)

// TestFlips: servers are one (ping and tcp checks), two (ping) in service A; one (the same tcp
// check) in service B, inhibited.
func TestFlips(t *testing.T) {
	cfg := twoServices()
	ping1, ping2, tcp1 := probe(conf.PingCheck, 1), probe(conf.PingCheck, 2), probe(conf.TCPCheck, 1)
	for _, c := range []struct {
		name          string
		before, after []check.Spec
		flips         []string
		untold        []check.Spec
	}{
		{name: "nothing happened"},
		{name: "still down", before: []check.Spec{ping1, tcp1}, after: []check.Spec{tcp1, ping1}},
		{name: "one check of one service", after: []check.Spec{ping2},
			flips: []string{"TCP 192.0.2.1:80 10.0.0.2:80 down by ping 10.0.0.2"}},
		{name: "back", before: []check.Spec{ping2},
			flips: []string{"TCP 192.0.2.1:80 10.0.0.2:80 up by ping 10.0.0.2"}},
		{name: "a check that two services share", after: []check.Spec{tcp1},
			flips: []string{"TCP 192.0.2.1:80 10.0.0.1:80 down by tcp 10.0.0.1:80",
				"TCP 192.0.2.1:81 10.0.0.1:80 down by tcp 10.0.0.1:80"}},
		{name: "the second check of a server that is down", before: []check.Spec{ping1}, after: []check.Spec{ping1, tcp1},
			flips: []string{"TCP 192.0.2.1:81 10.0.0.1:80 down by tcp 10.0.0.1:80"}},
		{name: "one of two failing checks is back", before: []check.Spec{ping1, tcp1}, after: []check.Spec{tcp1},
			untold: []check.Spec{ping1}},
		{name: "one fails as the other comes back", before: []check.Spec{ping1}, after: []check.Spec{tcp1},
			flips:  []string{"TCP 192.0.2.1:81 10.0.0.1:80 down by tcp 10.0.0.1:80"},
			untold: []check.Spec{ping1}},
		{name: "both checks at once", after: []check.Spec{ping1, tcp1},
			flips: []string{"TCP 192.0.2.1:80 10.0.0.1:80 down by ping 10.0.0.1",
				"TCP 192.0.2.1:81 10.0.0.1:80 down by tcp 10.0.0.1:80"}},
		{name: "a check nobody has any more", before: []check.Spec{probe(conf.PingCheck, 9)},
			untold: []check.Spec{probe(conf.PingCheck, 9)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			compiled := compile(cfg, groupID)
			before, after := health{down: set(c.before...)}, health{down: set(c.after...)}
			before.memory = desired(compiled, before).memory
			after.memory = before.memory
			after.memory = desired(compiled, after).memory
			list, untold := flips(compiled, &before, &after)
			var got []string
			for _, f := range list {
				to := "down"
				if f.up {
					to = "up"
				}
				got = append(got, fmt.Sprintf("%s %s %s by %s", f.service, f.server.Address, to, f.spec))
			}
			if diff := gocmp.Diff(c.flips, got); diff != "" {
				t.Errorf("flips (-want +got):\n%s", diff)
			}
			if !maps.Equal(set(c.untold...), untold) {
				t.Errorf("untold: %v, want %v", untold, c.untold)
			}
		})
	}
}

func TestHealthIsTold(t *testing.T) {
	ping1, ping2, tcp1 := probe(conf.PingCheck, 1), probe(conf.PingCheck, 2), probe(conf.TCPCheck, 1)
	refused := errors.New("connection refused")
	for _, c := range []struct {
		name          string
		before, after []check.Spec
		want          []map[string]any
	}{
		{name: "nothing", before: []check.Spec{ping1}, after: []check.Spec{ping1}},
		{name: "lost in both services", after: []check.Spec{tcp1}, want: []map[string]any{
			{"level": "warn", "event": "server_lost", "service": "TCP 192.0.2.1:80", "real_server": "10.0.0.1:80",
				"check": "tcp 10.0.0.1:80", "from": "up", "to": "down", "error": "connection refused"},
			{"level": "warn", "event": "server_lost", "service": "TCP 192.0.2.1:81", "real_server": "10.0.0.1:80",
				"check": "tcp 10.0.0.1:80", "from": "up", "to": "down", "error": "connection refused", "inhibited": true},
		}},
		{name: "restored", before: []check.Spec{ping2}, want: []map[string]any{
			{"level": "info", "event": "server_restored", "service": "TCP 192.0.2.1:80", "real_server": "10.0.0.2:80",
				"check": "ping 10.0.0.2", "from": "down", "to": "up"},
		}},
		{name: "no server changes", before: []check.Spec{ping1, tcp1}, after: []check.Spec{tcp1}, want: []map[string]any{
			{"level": "info", "event": "check_changed", "check": "ping 10.0.0.1", "from": "down", "to": "up"},
		}},
		{name: "taken away by a reload", before: []check.Spec{probe(conf.PingCheck, 9)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, logs := silentDirector(twoServices())
			d.health.down = set(c.after...)
			d.health.memory = desired(d.compiled, d.health).memory
			verdicts := map[check.Spec]check.Verdict{}
			for _, spec := range c.after {
				verdicts[spec] = check.Verdict{Known: true, Err: refused}
			}
			d.noteHealth(health{down: set(c.before...)}, verdicts)
			if diff := gocmp.Diff(c.want, entries(logs)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEmptyServicesAreTold: once when a service has no server left that takes connections, once
// when it has one again. Weight 0 takes none.
func TestEmptyServicesAreTold(t *testing.T) {
	ping1, ping2, tcp1 := probe(conf.PingCheck, 1), probe(conf.PingCheck, 2), probe(conf.TCPCheck, 1)
	cfg := twoServices()
	cfg.Services = append(cfg.Services, conf.VirtualServer{FWMark: 7, Family: 4})
	d, logs := silentDirector(cfg)
	for _, step := range []struct {
		name string
		down []check.Spec
		want []string
	}{
		{"start: one service has no server at all", nil, []string{"service_empty FWM 7"}},
		{"again", nil, nil},
		{"one of two servers", []check.Spec{ping1}, nil},
		{"both", []check.Spec{ping1, ping2}, []string{"service_empty TCP 192.0.2.1:80"}},
		{"the inhibited one", []check.Spec{ping1, ping2, tcp1}, []string{"service_empty TCP 192.0.2.1:81"}},
		{"still", []check.Spec{ping1, ping2, tcp1}, nil},
		{"all back", nil, []string{"service_served TCP 192.0.2.1:80", "service_served TCP 192.0.2.1:81"}},
	} {
		d.want = desire(cfg, health{down: set(step.down...)})
		d.noteEmpty(&memory{})
		var got []string
		for _, l := range entries(logs) {
			got = append(got, fmt.Sprint(l["event"], " ", l["service"]))
		}
		slices.Sort(got)
		if diff := gocmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

// TestQuorumIsTold: at each loss and gain, and at the start where it is lost.
func TestQuorumIsTold(t *testing.T) {
	cfg := twoServices()
	s := &cfg.Services[0]
	s.Quorum, s.Hysteresis = 2, 0
	cfg.Services[1].Sorry = conf.SorryServer{Address: sorryAddress}
	tcp1, ping2 := probe(conf.TCPCheck, 1), probe(conf.PingCheck, 2)
	d, logs := silentDirector(cfg)
	var before memory
	for _, step := range []struct {
		name string
		down []check.Spec
		want []string
	}{
		{"start, all up", nil, nil},
		{"one lost", []check.Spec{ping2}, []string{"quorum_lost TCP 192.0.2.1:80 weight 1 of 2"}},
		{"the other too", []check.Spec{ping2, tcp1}, []string{"quorum_lost TCP 192.0.2.1:81 weight 0 of 1"}},
		{"all back", nil, []string{"quorum_gained TCP 192.0.2.1:80 weight 2 of 2", "quorum_gained TCP 192.0.2.1:81 weight 1 of 1"}},
	} {
		before = before.in(d.compiled)
		d.want = desired(d.compiled, health{down: set(step.down...), memory: before})
		d.noteQuorum(&before)
		before = d.want.memory
		var got []string
		for _, l := range entries(logs) {
			got = append(got, fmt.Sprintf("%s %s weight %d of %d", l["event"], l["service"], l["weight"], l["quorum"]))
		}
		if diff := gocmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	d.want = desired(d.compiled, health{down: set(ping2)})
	before = (&memory{}).in(d.compiled)
	d.noteQuorum(&before)
	if got := entries(logs); len(got) != 1 || got[0]["event"] != "quorum_lost" {
		t.Errorf("a start without the quorum tells %v", got)
	}
}

// twoServices has service A with servers one (ping, tcp) and two (ping), and service B with
// server one (the same tcp check), inhibited.
func twoServices() *conf.Config {
	server := func(n byte, inhibit bool, kinds ...conf.CheckKind) conf.RealServer {
		r := conf.RealServer{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 80), Weight: 1,
			InhibitOnFailure: inhibit}
		for _, kind := range kinds {
			r.Checks = append(r.Checks, conf.Check{Kind: kind, Timing: conf.Timing{Interval: time.Second, Timeout: time.Second}})
		}
		return r
	}
	service := func(port uint16, servers ...conf.RealServer) conf.VirtualServer {
		return conf.VirtualServer{Address: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port),
			Protocol: conf.TCP, Family: 4, Scheduler: "rr", Forwarding: conf.NAT, Quorum: 1, RealServers: servers}
	}
	return &conf.Config{Services: []conf.VirtualServer{
		service(80, server(1, false, conf.PingCheck, conf.TCPCheck), server(2, false, conf.PingCheck)),
		service(81, server(1, true, conf.TCPCheck)),
	}}
}

// probe is the spec of a check as twoServices has them.
func probe(kind conf.CheckKind, n byte) check.Spec {
	return specs(&conf.RealServer{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 80),
		Checks: []conf.Check{{Kind: kind, Timing: conf.Timing{Interval: time.Second, Timeout: time.Second}}}})[0]
}

func set(list ...check.Spec) map[check.Spec]bool {
	m := map[check.Spec]bool{}
	for _, spec := range list {
		m[spec] = true
	}
	return m
}

// silentDirector is a director that runs nothing.
func silentDirector(cfg *conf.Config) (*Director, *logtest.ObservedLogs) {
	core, logs := logtest.New(zapcore.DebugLevel)
	c := compile(cfg, groupID)
	return &Director{cfg: cfg, compiled: c, journal: newJournal(zap.New(core)), want: desired(c, health{}),
		empty: map[string]bool{}, healing: healing{}}, logs
}

// entries takes what was logged, a line with its fields and its level each.
func entries(logs *logtest.ObservedLogs) []map[string]any {
	var list []map[string]any
	for _, entry := range logs.TakeAll() {
		fields := entry.ContextMap()
		fields["level"] = entry.Level.String()
		list = append(list, fields)
	}
	return list
}
