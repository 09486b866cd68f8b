package check

import (
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A restart goes on with what is known, as long as that is fresh: a server that is down is not given
// connections again, and one with alpha keeps them.
func TestRestartKeepsVerdicts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "verdicts.json")
	down, up := tcpSpec("10.10.10.11:80"), tcpSpec("10.10.10.12:80")
	up.Alpha = true
	for _, c := range []struct {
		name  string
		pause time.Duration
		fresh bool
	}{{"at once", 0, true}, {"after a while", 20 * time.Second, true}, {"too late", time.Minute, false}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLAN()
				l.dead[down.Addr.String()] = true
				o := Options{StateFile: path}
				first := newSet(o, l.probe, func() {}, newClock())
				first.Apply(specs(down, up))
				time.Sleep(2 * down.Interval)
				synctest.Wait()
				before := first.Verdicts()
				first.Close()
				time.Sleep(c.pause)

				second := newSet(o, l.probe, func() {}, newClock())
				defer second.Close()
				retimed := down
				retimed.Interval, retimed.Retry = down.Interval+time.Second, 7
				second.Apply(specs(retimed, up))
				after := second.Verdicts()
				if !c.fresh {
					if after[retimed].Known || !after[retimed].Healthy || after[up].Healthy {
						t.Errorf("too old, and remembered: %+v", after)
					}
					return
				}
				v := after[retimed]
				if v.Healthy || !v.Known || !v.Since.Equal(before[down].Since) || v.Failures != before[down].Failures || v.Err.Error() != before[down].Err.Error() {
					t.Errorf("down: %+v, was %+v", v, before[down])
				}
				if v := after[up]; !v.Healthy || !v.Known {
					t.Errorf("up: %+v", v)
				}
			})
		})
	}
}

// A row of successes goes on after a restart.
func TestRestartKeepsSuccesses(t *testing.T) {
	s := new(Set).saved(&check{state: state{Verdict: Verdict{Known: true, Successes: 4, Last: time.Unix(1000, 0)}}})
	var read saved
	if err := json.Unmarshal(s.append(nil), &read); err != nil {
		t.Fatal(err)
	}
	spec := tcpSpec("10.10.10.11:80")
	spec.Rise = 5
	v, fresh := read.verdict(spec, s.Last)
	if !fresh {
		t.Fatal("it is not fresh")
	}
	after, _ := step(spec, state{Verdict: v}, result{start: s.Last, end: s.Last.Add(time.Second)})
	if !after.Healthy {
		t.Errorf("the fifth success in a row: %+v", after.Verdict)
	}
}

// A file that is none of ours, or that cannot be written, is borne, and told once.
func TestStateFileThatIsBad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "nonsense": "{", "other": `{"version": 2, "verdicts": {"x": {}}}`, "array": "[]"} {
		if got := restore(file(t, dir, name, text)); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	if restore(dir) != nil || restore(dir+"/none") != nil {
		t.Error("a directory, or nothing, says something")
	}
	synctest.Test(t, func(t *testing.T) {
		told := 0
		l := newLAN()
		s := newSet(Options{StateFile: dir + "/none/verdicts.json", StateLost: func(error) { told++ }}, l.probe, func() {}, newClock())
		s.Apply(specs(tcpSpec("10.10.10.11:80")))
		time.Sleep(5 * saveEvery)
		synctest.Wait()
		s.Close()
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}

// What is asked of a target is the same key in another process, and another key where it differs.
func TestKeys(t *testing.T) {
	base := Spec{Kind: HTTPS, Addr: netip.MustParseAddrPort("10.0.0.1:443"), Detail: NewDetail(Socket{}, HTTPRequest{Path: "/", Host: "a"})}
	timed := base
	timed.Interval, timed.Alpha = time.Hour, true
	if base.key() != timed.key() {
		t.Error("another time is another key")
	}
	if got := base.key(); got != "faf1f4d59d7086f00c985e50c3792e19" {
		t.Errorf("another process would not find its key: %s", got)
	}
	keys := map[string]bool{base.key(): true}
	for _, other := range []Spec{
		{Kind: HTTP, Addr: base.Addr, Detail: base.Detail},
		{Kind: HTTPS, Addr: netip.MustParseAddrPort("10.0.0.2:443"), Detail: base.Detail},
		{Kind: HTTPS, Addr: base.Addr, Detail: NewDetail(Socket{Mark: 1}, HTTPRequest{Path: "/", Host: "a"})},
		{Kind: HTTPS, Addr: base.Addr, Detail: NewDetail(Socket{}, HTTPRequest{Path: "/b", Host: "a"})},
		{Kind: HTTPS, Addr: base.Addr, Detail: NewDetail(Socket{}, HTTPRequest{Path: "/", Host: "b"})},
		{Kind: HTTPS, Addr: base.Addr, Detail: NewDetail(Socket{}, HTTPRequest{Path: "/", Host: "a", Trust: Trust{Password: "secret1"}})},
		{Kind: HTTPS, Addr: base.Addr, Detail: NewDetail(Socket{}, HTTPRequest{Path: "/", Host: "a", Trust: Trust{Password: "secret2"}})},
	} {
		if keys[other.key()] {
			t.Errorf("%+v has the key of another", other)
		}
		keys[other.key()] = true
	}
}

// No secret is in the file, and its mode lets nobody else read what errors may say.
func TestStateFileHasNoSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "verdicts.json")
	s := asks(HTTPS, netip.MustParseAddrPort("10.0.0.1:443"), time.Second, HTTPRequest{Path: "/", Trust: Trust{Password: "se cret"}})
	if err := save(path, maps.All(map[string]saved{s.key(): {Error: "no", Last: time.Now(), Since: time.Now()}})); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), "cret") {
		t.Errorf("%v: %s", err, text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	got, fresh := restore(path)[s.key()].verdict(s, time.Now())
	if !fresh || !got.Known || got.Err == nil || got.Err.Error() != "no" {
		t.Errorf("%+v, %t", got, fresh)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// A verdict is written as package json would.
func TestSavedIsJSON(t *testing.T) {
	now := time.Now()
	for _, s := range []saved{
		{}, {Successes: 3}, {Healthy: true, Since: now, Last: now.Add(time.Second).UTC()}, {Failures: 7, Error: "a \"b\" <c>\n\xff", Since: now, Last: now},
		{Found: Finding{Expires: now, Weight: 7, Weighted: true, Offset: -3}},
	} {
		want, err := json.Marshal(s)
		if got := string(s.append(nil)); err != nil || got != string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func BenchmarkSave(b *testing.B) {
	path := filepath.Join(b.TempDir(), "verdicts.json")
	set := newSet(Options{}, nil, func() {}, newClock())
	set.options.StateFile = path
	for i := range 10000 {
		s := tcpSpec("10.0.0.1:80")
		s.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)
		set.checks.add(&check{spec: s, state: state{Verdict: Verdict{Known: true, Healthy: true, Last: time.Now(), Since: time.Now()}}})
	}
	for b.Loop() {
		set.Save()
	}
}
