package director

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"lvsd/internal/check"
	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/vrrp"
)

// alerts are the rules of examples/alerting, and the one event that each is for.
func alerts() map[string]Event {
	return map[string]Event{
		"RoleChanged":           RoleChanged,
		"ServerLost":            ServerLost,
		"ServerRestored":        ServerRestored,
		"ServiceWithoutServers": ServiceEmpty,
		"ReloadRefused":         ReloadRefused,
		"DuplicateMaster":       DuplicateMaster,
		"IPVSMissing":           IPVSMissing,
	}
}

// told returns what a director logs in JSON, a line each.
func told(t *testing.T, tell func(*Director)) []string {
	t.Helper()
	var out bytes.Buffer
	fields := zap.NewProductionEncoderConfig()
	fields.TimeKey, fields.MessageKey = "time", "message"
	core := zapcore.NewCore(zapcore.NewJSONEncoder(fields), zapcore.AddSync(&out), zapcore.DebugLevel)
	tell(&Director{journal: newJournal(zap.New(core)), cfg: &conf.Config{}, options: Options{Path: "lvsd.hcl"},
		roles: map[vrrp.Key]role{}, empty: map[string]bool{}})
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func configuration(t *testing.T, src string) *conf.Result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lvsd.hcl")
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return conf.Load(path, conf.Options{Hostname: "lb1"})
}

// incidents make a director log the events that alerts are for.
func incidents(t *testing.T) map[Event]func(*Director) {
	good := configuration(t, `virtual_server "192.168.2.11" "80" {
  real_server "10.10.10.11" "80" {
    TCP_CHECK {}
  }
}`)
	if good.Config == nil {
		t.Fatal(good.Diags)
	}
	spec := specs(&good.Config.Services[0].RealServers[0])[0]
	down := map[check.Spec]bool{spec: true}
	found := func(d *Director, down map[check.Spec]bool) {
		d.cfg, d.compiled, d.health = good.Config, compile(good.Config, groupID), health{down: down}
		d.want = desired(d.compiled, d.health)
		d.health.memory = d.want.memory
	}
	return map[Event]func(*Director){
		RoleChanged: func(d *Director) {
			d.transition(vrrp.Transition{Key: vrrp.Key{Interface: "eth0", VRID: 51}, Name: "web",
				From: vrrp.Backup, To: vrrp.Master, Reason: "no advert heard from 192.168.2.1"})
		},
		DuplicateMaster: func(d *Director) {
			d.note(vrrp.Note{Kind: vrrp.NoteDuplicate, Key: vrrp.Key{Interface: "eth0", VRID: 51}, Name: "web",
				Peer: netip.MustParseAddr("192.168.2.2"), Priority: 100})
		},
		ServerLost: func(d *Director) {
			found(d, down)
			d.noteHealth(health{}, map[check.Spec]check.Verdict{spec: {Err: errors.New("connection refused")}})
		},
		ServerRestored: func(d *Director) {
			found(d, nil)
			d.noteHealth(health{down: down}, nil)
		},
		ServiceEmpty: func(d *Director) {
			found(d, down)
			d.noteEmpty(&memory{})
		},
		ReloadRefused: func(d *Director) { d.refuse(configuration(t, `virtual_sever "a" "b" {}`)) },
		IPVSMissing: func(d *Director) {
			found(d, nil)
			d.ipvsState(ipvs.Report{Down: ipvs.ErrNoIPVS})
		},
	}
}

// logged is one line of each event: as it comes from an incident where an alert is for it, else
// with fields that look like an alert's.
func logged(t *testing.T) map[Event]string {
	all := map[Event]string{}
	happen := incidents(t)
	for e := range lines() {
		tell, known := happen[e]
		if !known {
			tell = func(d *Director) {
				d.journal.event(e, zap.String("error", `"event":"server_lost"`), zap.String("to", "role_changed"))
			}
		}
		said := told(t, tell)
		if len(said) != 1 {
			t.Fatalf("%s: %d lines: %v", e, len(said), said)
		}
		all[e] = said[0]
	}
	return all
}

func parsed(t *testing.T, line string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return fields
}

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "alerting", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lokiRule is a rule of the one shape that the example has.
type lokiRule struct {
	by          []string
	contains    string
	labels      map[string]string // label: JSON field
	equal       [2]string         // label, value
	annotations string
}

func lokiRules(t *testing.T) map[string]lokiRule {
	t.Helper()
	expression := regexp.MustCompile("^sum by \\(([\\w, ]+)\\) \\(count_over_time\\(\\{[^}]+\\} \\|= `([^`]+)` " +
		`\| json ([^|]+) \| (\w+)="([^"]+)" \[\w+\]\)\) > 0$`)
	rules := map[string]lokiRule{}
	for _, text := range strings.Split(example(t, "loki.yaml"), "- alert: ")[1:] {
		name, rest, _ := strings.Cut(text, "\n")
		_, rest, _ = strings.Cut(rest, "expr: >-\n")
		folded, rest, _ := strings.Cut(rest, "labels:")
		found := expression.FindStringSubmatch(strings.Join(strings.Fields(folded), " "))
		if found == nil {
			t.Fatalf("rule %s has an expression of another shape: %s", name, folded)
		}
		r := lokiRule{by: strings.Split(found[1], ", "), contains: found[2], labels: map[string]string{},
			equal: [2]string{found[4], found[5]}, annotations: rest}
		for _, pair := range strings.Split(found[3], ", ") {
			label, field, ok := strings.Cut(pair, "=")
			if !ok {
				t.Fatalf("rule %s: %q is no label", name, pair)
			}
			r.labels[label] = strings.Trim(field, `"`)
		}
		rules[name] = r
	}
	return rules
}

func (r lokiRule) matches(line string, fields map[string]any) bool {
	return strings.Contains(line, r.contains) && fields[r.labels[r.equal[0]]] == r.equal[1]
}

func TestLokiRulesMatchTheirEventsAlone(t *testing.T) {
	want, rules := alerts(), lokiRules(t)
	if !maps.EqualFunc(want, rules, func(Event, lokiRule) bool { return true }) {
		t.Fatalf("the rules are %v", slices.Sorted(maps.Keys(rules)))
	}
	all := logged(t)
	for name, r := range rules {
		for e, line := range all {
			if got := r.matches(line, parsed(t, line)); got != (e == want[name]) {
				t.Errorf("%s matches: %v: %s", name, got, line)
			}
		}
		fields := parsed(t, all[want[name]])
		for label, field := range r.labels {
			if _, ok := fields[field]; !ok {
				t.Errorf("%s takes label %s from field %q, which is not in %v", name, label, field, fields)
			}
		}
		for _, label := range r.by {
			if r.labels[label] == "" && label != "host" {
				t.Errorf("%s sums by %s, which nothing makes", name, label)
			}
		}
		for _, use := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(r.annotations, -1) {
			if !slices.Contains(r.by, use[1]) {
				t.Errorf("%s shows label %s, which the sum does not keep", name, use[1])
			}
		}
	}
}

func TestRsyslogRulesMatchTheirEventsAlone(t *testing.T) {
	text := example(t, "rsyslog.conf")
	found := regexp.MustCompile(`if \$msg contains '([^']+)' then \{ set \$\.alert = "(\w+)";`).FindAllStringSubmatch(text, -1)
	if n := strings.Count(text, "contains '"); n != len(found) {
		t.Fatalf("%d of %d rules are of the shape that this test knows", len(found), n)
	}
	rules := map[string]string{}
	for _, f := range found {
		rules[f[2]] = f[1]
	}
	want := alerts()
	if !maps.EqualFunc(want, rules, func(Event, string) bool { return true }) || len(found) != len(want) {
		t.Fatalf("the rules are %v", slices.Sorted(maps.Keys(rules)))
	}
	for e, line := range logged(t) {
		for name, contains := range rules {
			if got := strings.Contains(line, contains); got != (e == want[name]) {
				t.Errorf("%s matches: %v: %s", name, got, line)
			}
		}
	}
}

// A line has its event once, beside the level and the message of the list.
func TestEventsAreFieldsOfTheirOwn(t *testing.T) {
	for e, line := range logged(t) {
		fields := parsed(t, line)
		if fields["event"] != string(e) || fields["level"] != lines()[e].level.String() || fields["message"] != lines()[e].message {
			t.Errorf("%s: %s", e, line)
		}
		if strings.Count(line, `"event":`) != 1 {
			t.Errorf("%s has two events: %s", e, line)
		}
	}
}
