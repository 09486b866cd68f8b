package overlay

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func someMap(t *rapid.T, label string) map[int]int {
	return rapid.MapOfN(rapid.IntRange(0, 8), rapid.IntRange(0, 2), 0, 8).Draw(t, label)
}

// derived draws a map of a base, changed up to three times, and the plain map that it has to be.
func derived(t *rapid.T, base Map[int, int], under map[int]int) (Map[int, int], map[int]int) {
	plain := maps.Clone(under)
	for range rapid.IntRange(0, 3).Draw(t, "times") {
		changes := map[int]Change[int]{}
		for key, value := range someMap(t, "changes") {
			changes[key] = Change[int]{Value: value}
			plain[key] = value
		}
		for _, key := range rapid.SliceOfN(rapid.IntRange(0, 8), 0, 3).Draw(t, "gone") {
			changes[key] = Change[int]{Gone: true}
			delete(plain, key)
		}
		for _, key := range rapid.SliceOfN(rapid.IntRange(0, 8), 0, 3).Draw(t, "back") {
			changes[key] = Change[int]{Back: true, Value: 7, Gone: rapid.Bool().Draw(t, "gone, too")}
			delete(plain, key)
			if value, there := under[key]; there {
				plain[key] = value
			}
		}
		base = base.With(changes)
	}
	return base, plain
}

// TestMap: a map is what a plain one would be, whatever it was made from, and stays so when others are made from it.
func TestMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := someMap(t, "base")
		base := Of(maps.Clone(plain))
		if rapid.Bool().Draw(t, "the zero value") {
			base, plain = Map[int, int]{}, map[int]int{}
		}
		a, plainA := derived(t, base, plain)
		b, plainB := derived(t, rapid.SampledFrom([]Map[int, int]{base, Of(maps.Clone(plain))}).Draw(t, "of"), plain)
		for m, want := range map[*Map[int, int]]map[int]int{&base: plain, &a: plainA, &b: plainB} {
			if got := maps.Collect(m.All()); !maps.Equal(got, want) || m.Len() != len(want) {
				t.Fatalf("%v of length %d, want %v", got, m.Len(), want)
			}
			for key := range 10 {
				got, there := m.Get(key)
				if value, wanted := want[key]; got != value || there != wanted {
					t.Fatalf("%d is %d, %t; want %d, %t", key, got, there, value, wanted)
				}
			}
			for range m.All() {
				break // the iterator must bear it
			}
		}
		want := []int{}
		for key := range 10 {
			x, inA := plainA[key]
			if y, inB := plainB[key]; x != y || inA != inB {
				want = append(want, key)
			}
		}
		got := slices.AppendSeq([]int{}, Differ(a, b, func(x, y int) bool { return x == y }))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%v and %v differ in %v, want %v", plainA, plainB, got, want)
		}
		for range Differ(a, b, func(x, y int) bool { return x == y }) {
			break
		}
	})
}

// TestDerivingCostsItsChanges: neither making a map of one with 10,000 keys nor comparing the two looks at them all.
func TestDerivingCostsItsChanges(t *testing.T) {
	many := map[int]int{}
	for key := range 10_000 {
		many[key] = key
	}
	base := Of(many)
	compared := 0
	allocated := testing.AllocsPerRun(10, func() {
		changed := base.With(map[int]Change[int]{1: {Gone: true}, 2: {Value: 3}})
		compared = 0
		for range Differ(base, changed, func(x, y int) bool { compared++; return x == y }) {
			continue
		}
	})
	if allocated > 20 || compared != 1 {
		t.Errorf("%v allocations and %d comparisons", allocated, compared)
	}
}
