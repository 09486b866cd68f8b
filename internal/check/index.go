package check

import (
	"hash/maphash"
	"iter"
)

// index finds checks by their specs. It has but a hash of each, with which it needs a seventh of the
// memory of a map of specs.
type index struct {
	seed   maphash.Seed
	first  map[uint64]*check // of those with a hash; check.next is another one
	length int
}

func newIndex() index { return index{seed: maphash.MakeSeed(), first: map[uint64]*check{}} }

// get returns the check of a spec, nil if there is none.
func (x *index) get(spec Spec) *check {
	for c := x.first[maphash.Comparable(x.seed, spec)]; c != nil; c = c.next {
		if c.spec == spec {
			return c
		}
	}
	return nil
}

// add puts in a check whose spec is not there.
func (x *index) add(c *check) {
	hash := maphash.Comparable(x.seed, c.spec)
	c.next = x.first[hash]
	x.first[hash] = c
	x.length++
}

// remove takes out a check that is there.
func (x *index) remove(c *check) {
	hash := maphash.Comparable(x.seed, c.spec)
	x.length--
	if x.first[hash] != c {
		before := x.first[hash]
		for before.next != c {
			before = before.next
		}
		before.next = c.next
	} else if x.first[hash] = c.next; c.next == nil {
		delete(x.first, hash)
	}
	c.next = nil
}

// all are the checks in no order. The one that is being looked at may be removed.
func (x *index) all() iter.Seq[*check] {
	return func(yield func(*check) bool) {
		for _, c := range x.first {
			for c != nil {
				next := c.next
				if !yield(c) {
					return
				}
				c = next
			}
		}
	}
}
