package director

import (
	"cmp"
	"hash/maphash"
	"slices"

	"lvsd/internal/check"
)

// checkedServers finds the real servers that a check is about. It has a hash for each where a map would have the whole
// spec, which is several times as large.
type checkedServers struct {
	seed maphash.Seed
	list []hashed // sorted
}

// hashed is the place of a real server by the hash of one of its checks.
type hashed struct {
	hash  uint64
	place int
}

func newCheckedServers() checkedServers { return checkedServers{seed: maphash.MakeSeed()} }

// add notes a check of a real server. The last one is followed by sort.
func (c *checkedServers) add(spec check.Spec, place int) {
	c.list = append(c.list, hashed{maphash.Comparable(c.seed, spec), place})
}

func (c *checkedServers) sort() {
	c.list = slices.Clip(c.list)
	slices.SortFunc(c.list, func(a, b hashed) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.place, b.place)) })
}

// places adds to a list those of the servers with a check, and perhaps others: their hash may be the same.
func (c *checkedServers) places(list []int, spec check.Spec) []int {
	hash := maphash.Comparable(c.seed, spec)
	first, _ := slices.BinarySearchFunc(c.list, hash, func(h hashed, hash uint64) int { return cmp.Compare(h.hash, hash) })
	for _, h := range c.list[first:] {
		if h.hash != hash {
			break
		}
		list = append(list, h.place)
	}
	return list
}
