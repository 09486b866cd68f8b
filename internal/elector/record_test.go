package elector

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lvsd/internal/vrrp"
)

var (
	outside = vrrp.Key{Interface: "eth0", VRID: 51}
	inside  = vrrp.Key{Interface: "eth1", VRID: 52, IPv6: true}
)

// remember runs a record for as long as it takes to write what do says.
func remember(t *testing.T, path string, do func(*record)) {
	t.Helper()
	r := newRecord(path)
	do(r)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it writes once more
	r.run(ctx, func(err error) { t.Error(err) })
}

func recalled(t *testing.T, path string) map[vrrp.Key]time.Time {
	t.Helper()
	masters, err := newRecord(path).recall()
	if err != nil {
		t.Error(err)
	}
	return masters
}

func TestRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mastership.json")
	if got := recalled(t, path); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
	now := time.Now()
	want := map[vrrp.Key]time.Time{outside: now.Add(time.Hour), inside: now.Add(2 * time.Hour)}
	remember(t, path, func(r *record) {
		for key, until := range want {
			r.vouch(key, until.Add(-time.Second))
			r.vouch(key, until)
		}
		r.vouch(vrrp.Key{Interface: "eth0", VRID: 53}, now.Add(-time.Millisecond)) // over
		r.vouch(vrrp.Key{Interface: "eth0", VRID: 54}, now.Add(time.Minute))
		r.forget(vrrp.Key{Interface: "eth0", VRID: 54})
	})
	got := recalled(t, path)
	for key, until := range got {
		if early := want[key].Sub(until); early < 0 || early > time.Minute { // never longer than was vouched for
			t.Errorf("%v is %v less than was vouched for", key, early)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v, want %v", got, want)
	}
	// A stop in order leaves nothing to go on with, whatever is said after it.
	remember(t, path, func(r *record) {
		r.vouch(outside, now.Add(time.Minute))
		r.end()
		r.vouch(outside, now.Add(time.Minute))
	})
	if got := recalled(t, path); len(got) != 0 {
		t.Errorf("after a stop: %v", got)
	}
}

// Another node may have the role that is lost at once; what is vouched for again and again is written
// now and then.
func TestRecordForgetsAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mastership.json")
	synctest.Test(t, func(t *testing.T) { // no time passes but where the test sleeps
		r := newRecord(path)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go r.run(ctx, func(err error) { t.Error(err) })
		holds := func(want int, when string) {
			t.Helper()
			synctest.Wait()
			if got := recalled(t, path); len(got) != want {
				t.Errorf("%s: %v, want %d", when, got, want)
			}
		}
		r.vouch(outside, time.Now().Add(time.Minute))
		holds(1, "the first")
		r.vouch(inside, time.Now().Add(time.Minute))
		holds(1, "the second, soon after")
		r.forget(outside)
		holds(1, "the first is lost")
		r.vouch(outside, time.Now().Add(time.Minute))
		holds(1, "it is back")
		time.Sleep(recordPause)
		holds(2, "a while later")
		r.end()
		holds(0, "the end")
	})
}

func TestRecordOfAnotherBoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mastership.json")
	remember(t, path, func(r *record) { r.vouch(outside, time.Now().Add(time.Minute)) })
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	boot, _, err := bootClock()
	if err != nil {
		t.Fatal(err)
	}
	other := strings.ReplaceAll(string(text), boot, "00000000-0000-0000-0000-000000000000")
	if err := os.WriteFile(path, []byte(other), 0o600); err != nil || other == string(text) {
		t.Fatal(err, other)
	}
	if got := recalled(t, path); len(got) != 0 {
		t.Error(got)
	}
}

// Whatever stands in the file's place is reported, and nobody goes on as master.
func TestRecordTroubles(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "torn": `{"boot_id":"`, "no object": "[]", "too far": ""} {
		path := filepath.Join(t.TempDir(), "mastership.json")
		if name == "too far" {
			remember(t, path, func(r *record) { r.vouch(outside, time.Now().Add(48*time.Hour)) })
			if got := recalled(t, path); len(got) != 0 {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := newRecord(path).recall(); err == nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	dir := t.TempDir()
	if _, err := newRecord(dir).recall(); err == nil {
		t.Error("a directory is read")
	}
	r := newRecord(filepath.Join(dir, "missing", "mastership.json"))
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.run(ctx, func(err error) {
			if told++; !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		})
	}()
	for range 3 {
		r.vouch(outside, time.Now().Add(time.Minute))
		for end := time.Now().Add(time.Minute); len(r.vouched) > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("nothing is written")
			}
		}
	}
	cancel()
	<-ended
	if told != 1 {
		t.Errorf("the same error is told %d times", told)
	}
}

func TestGate(t *testing.T) {
	masters := map[vrrp.Key]time.Time{outside: time.Now().Add(time.Hour), inside: time.Now().Add(time.Hour)}
	var passed []uint64
	gate := func(waiting map[vrrp.Key]time.Time) *gate {
		passed = nil
		g := newGate(maps.Clone(waiting), func(n Network) { passed = append(passed, n.Generation) })
		t.Cleanup(g.close)
		return g
	}
	g := gate(nil)
	g.want(Network{Generation: 1})
	g.want(Network{Generation: 2})
	if len(passed) != 2 {
		t.Errorf("with nothing to wait for: %v", passed)
	}
	g = gate(masters)
	g.want(Network{Generation: 1})
	g.configured([]vrrp.Config{{Key: outside}, {Key: inside}})
	g.told(outside)
	g.want(Network{Generation: 2})
	if len(passed) != 0 {
		t.Errorf("too early: %v", passed)
	}
	g.told(inside)
	g.want(Network{Generation: 3})
	if len(passed) != 2 || passed[0] != 2 {
		t.Errorf("the newest, and what comes later: %v", passed)
	}
	g = gate(masters)
	g.want(Network{Generation: 1})
	g.told(outside)
	g.configured([]vrrp.Config{{Key: outside}}) // the other is not in the file any more
	if len(passed) != 1 {
		t.Errorf("nobody is waited for: %v", passed)
	}
	opened := make(chan struct{})
	g = newGate(map[vrrp.Key]time.Time{outside: time.Now().Add(20 * time.Millisecond)}, func(Network) { close(opened) })
	g.want(Network{Generation: 1})
	select {
	case <-opened: // when the time is over
	case <-time.After(time.Minute):
		t.Error("it waits for ever")
	}
}
