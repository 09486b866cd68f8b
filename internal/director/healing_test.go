package director

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"lvsd/internal/ipvs"
)

// healer is a director of which nothing but repairs is seen.
func healer(t *testing.T) (d *Director, lines func() []map[string]any) {
	t.Helper()
	d, logs := silentDirector(twoServices())
	d.inbox = newInbox()
	return d, func() []map[string]any {
		synctest.Wait()
		d.handle(d.inbox.take())
		return entries(logs)
	}
}

// TestRepairsInARow: the first ones are told when they happen, those after them once a minute, none is left out, and after
// a minute without one they are told at once again.
func TestRepairsInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, lines := healer(t)
		services := thing{event: ServicesHealed}
		seconds := 0
		repair := func() (told []map[string]any) {
			d.repaired(services, 2, []string{"add a", "add " + strconv.Itoa(seconds%30)})
			seconds++
			time.Sleep(time.Second)
			return lines()
		}
		for range toldAtOnce {
			got := repair()
			if len(got) != 1 || got[0]["times"] != int64(1) || got[0]["operations"] != int64(2) || len(got[0]["first"].([]any)) != 2 {
				t.Fatalf("second %d: %v", seconds, got)
			}
		}
		var sum, count int64
		for range 10 * 60 {
			for _, l := range repair() {
				if n := l["times"].(int64); n < 58 || n > 61 || l["operations"] != 2*n || len(l["first"].([]any)) != maxOps {
					t.Errorf("second %d: %v", seconds, l)
				}
				sum += l["times"].(int64)
				count++
			}
		}
		if count < 9 || count > 10 {
			t.Errorf("told %d times in ten minutes", count)
		}
		time.Sleep(toldTogether)
		for _, l := range lines() {
			sum += l["times"].(int64)
		}
		if sum != 600 {
			t.Errorf("told of %d repairs of 600", sum)
		}
		time.Sleep(toldTogether)
		if got := lines(); len(got) > 0 || len(d.healing) > 0 || d.healed != nil {
			t.Errorf("after it: %v, %v", got, d.healing)
		}
		for range toldAtOnce {
			if got := repair(); len(got) != 1 {
				t.Errorf("a new row: %v", got)
			}
		}
	})
}

// TestRepairsOfEachThing: what is repaired all the time does not keep another repair from being told at once.
func TestRepairsOfEachThing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, lines := healer(t)
		for range 30 {
			d.repaired(thing{AddressHealed, "192.0.2.1/24 on eth0"}, 1, nil, zap.String("address", "192.0.2.1/24"))
			time.Sleep(time.Second)
		}
		lines()
		for _, other := range []thing{{AddressHealed, "192.0.2.2/24 on eth0"}, {event: ServicesHealed}} {
			d.repaired(other, 1, nil)
			if got := lines(); len(got) != 1 || got[0]["event"] != string(other.event) {
				t.Errorf("%v: %v", other, got)
			}
		}
		d.stopped(true)
		got := lines()
		if len(got) != 2 || got[0]["times"] != int64(30-toldAtOnce) || got[0]["address"] != "192.0.2.1/24" || got[1]["event"] != string(Stopped) {
			t.Errorf("at the end: %v", got)
		}
		if _, counted := got[0]["operations"]; counted {
			t.Errorf("operations of an address: %v", got[0])
		}
	})
}

// TestServicesHealedInARow: of a real report, and all is told before the end.
func TestServicesHealedInARow(t *testing.T) {
	n := startNode(t, serviceText("192.0.2.1", twoServers))
	const repairs = toldAtOnce + 3
	for range repairs {
		n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
		n.ipvs.Edit(func(table ipvs.Table) { clear(table) })
		n.Reload()
	}
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	n.Stop()
	n.wait(t, Stopped)
	var times []any
	for _, e := range n.all(ServicesHealed) {
		times = append(times, e.fields["times"])
	}
	if want := []any{int64(1), int64(1), int64(1), int64(1), int64(1), int64(3)}; !slices.Equal(times, want) {
		t.Errorf("told %v, want %v\n%s", times, want, n.transcript())
	}
}
