package director

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// placeIndex finds the places of the real servers that a key is about. It has a hash for each where a map would have
// the whole key, which is several times as large.
type placeIndex[K comparable] struct {
	seed maphash.Seed
	list []hashed // sorted
}

// hashed is the place of a real server by the hash of a key.
type hashed struct {
	hash  uint64
	place int
}

func newPlaceIndex[K comparable]() placeIndex[K] { return placeIndex[K]{seed: maphash.MakeSeed()} }

// add notes the place of a key, which may have several. The last one is followed by sort.
func (x *placeIndex[K]) add(key K, place int) {
	x.list = append(x.list, hashed{maphash.Comparable(x.seed, key), place})
}

func (x *placeIndex[K]) sort() {
	x.list = slices.Clip(x.list)
	slices.SortFunc(x.list, func(a, b hashed) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.place, b.place)) })
}

// places adds to a list those of a key, and perhaps others: their hash may be the same.
func (x *placeIndex[K]) places(list []int, key K) []int {
	hash := maphash.Comparable(x.seed, key)
	first, _ := slices.BinarySearchFunc(x.list, hash, func(h hashed, hash uint64) int { return cmp.Compare(h.hash, hash) })
	for _, h := range x.list[first:] {
		if h.hash != hash {
			break
		}
		list = append(list, h.place)
	}
	return list
}
