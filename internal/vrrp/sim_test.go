package vrrp

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	simSeed  = flag.Uint64("sim.seed", 0, "simulate this seed only, and print its log")
	simSeeds = flag.Uint64("sim.seeds", 2000, "how many seeds to simulate")
	simTime  = flag.Duration("sim.time", 0, "simulate seeds for so long, in place of sim.seeds")
	simFirst = flag.Uint64("sim.first", 1, "the first seed to simulate")
)

func TestSimulation(t *testing.T) {
	if *simSeed != 0 {
		s := simulate(*simSeed, true)
		t.Logf("\n%s", strings.Join(s.l.log, "\n"))
		if s.l.failed != "" {
			t.Errorf("seed %d: %s", *simSeed, s.l.failed)
		}
		return
	}
	for seed, found := range knownSeeds(t) {
		if s := simulate(seed, false); s.l.failed != "" {
			t.Errorf("seed %d, which once found that %s: %s", seed, found, s.l.failed)
		}
	}
	counted := map[string]int{}
	last, began := *simFirst+*simSeeds, time.Now()
	seed := *simFirst
	for ; *simTime == 0 && seed < last || time.Since(began) < *simTime; seed++ {
		s := simulate(seed, false)
		for k, n := range s.w.counted {
			counted[k] += n
		}
		counted["growth"] += s.l.grown
		if s.l.failed != "" {
			t.Fatalf("go test ./internal/vrrp -v -run TestSimulation -sim.seed %d: %s", seed, s.l.failed)
		}
	}
	// A simulation that disturbs nothing shows nothing.
	for _, k := range []string{"takeover", "yield", "duplicate", "stall", "fault", "priority", "doubt", "resumption", "growth"} {
		if counted[k] == 0 {
			t.Errorf("no %s in %d seeds", k, seed-*simFirst)
		}
	}
	t.Logf("seeds %d to %d in %v: %v", *simFirst, seed-1, time.Since(began).Round(time.Second), counted)
}

// knownSeeds are those of testdata/seeds.txt: they found something once. Where the simulation draws
// other lives from them by now, the test beside what was mended still shows it.
func knownSeeds(t *testing.T) map[uint64]string {
	text, err := os.ReadFile("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	seeds := map[uint64]string{}
	for line := range strings.Lines(string(text)) {
		number, found, _ := strings.Cut(line, " ")
		seed, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds[seed] = strings.TrimSpace(found)
	}
	return seeds
}
