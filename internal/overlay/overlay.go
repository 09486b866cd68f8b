// Package overlay has maps that do not change, of which one is another but for a few keys: making it, and telling it
// from that other one, costs as much as those few.
package overlay

import (
	"iter"
	"maps"
)

// Map is a map that does not change. Its zero value is empty. Any number of goroutines may read it.
type Map[K comparable, V any] struct{ *version[K, V] }

// version is a base with changes.
type version[K comparable, V any] struct {
	base    map[K]V
	of      *version[K, V] // the one that has the base and no changes
	changes map[K]Change[V]
	length  int
}

// Change is what becomes of a key.
type Change[V any] struct {
	Value V
	// Gone tells that the key is not there, whatever Value is.
	Gone bool
	// Back tells that the key has what it had in the map that [Of] made, whatever else is said.
	Back bool
}

// Of is a map with what m has. The caller must not change m any more.
func Of[K comparable, V any](m map[K]V) Map[K, V] {
	v := &version[K, V]{base: m, length: len(m)}
	v.of = v
	return Map[K, V]{v}
}

// With is m with changes, which the caller must not change any more.
func (m Map[K, V]) With(changes map[K]Change[V]) Map[K, V] {
	if len(changes) == 0 {
		return m
	}
	if m.version == nil {
		m = Of(map[K]V{})
	}
	with := &version[K, V]{base: m.base, of: m.of, changes: maps.Clone(m.changes), length: m.length}
	if with.changes == nil {
		with.changes = make(map[K]Change[V], len(changes))
	}
	for key, change := range changes {
		_, was := m.Get(key)
		is := !change.Gone
		if change.Back {
			delete(with.changes, key)
			_, is = m.base[key]
		} else {
			with.changes[key] = change
		}
		switch {
		case was && !is:
			with.length--
		case !was && is:
			with.length++
		}
	}
	if len(with.changes) == 0 {
		return Map[K, V]{m.of}
	}
	return Map[K, V]{with}
}

// Get is the value of a key, and whether it is there.
func (m Map[K, V]) Get(key K) (V, bool) {
	var none V
	if m.version == nil {
		return none, false
	}
	if change, changed := m.changes[key]; changed {
		if change.Gone {
			return none, false
		}
		return change.Value, true
	}
	value, there := m.base[key]
	return value, there
}

// Len is the number of keys.
func (m Map[K, V]) Len() int {
	if m.version == nil {
		return 0
	}
	return m.length
}

// All are the keys with their values, in no order.
func (m Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m.version == nil {
			return
		}
		for key, value := range m.base {
			if _, changed := m.changes[key]; !changed && !yield(key, value) {
				return
			}
		}
		for key, change := range m.changes {
			if !change.Gone && !yield(key, change.Value) {
				return
			}
		}
	}
}

// Differ are the keys that two maps do not both have with the same value, in no order, each once.
func Differ[K comparable, V any](a, b Map[K, V], same func(x, y V) bool) iter.Seq[K] {
	if a.version == nil || b.version == nil || a.of != b.of {
		return differ(a, b, same)
	}
	return func(yield func(K) bool) {
		if a.version == b.version {
			return
		}
		differs := func(key K) bool {
			x, inA := a.Get(key)
			y, inB := b.Get(key)
			return inA != inB || inA && !same(x, y)
		}
		for key := range a.changes {
			if differs(key) && !yield(key) {
				return
			}
		}
		for key := range b.changes {
			if _, both := a.changes[key]; !both && differs(key) && !yield(key) {
				return
			}
		}
	}
}

// differ is Differ of maps that have nothing in common.
func differ[K comparable, V any](a, b Map[K, V], same func(x, y V) bool) iter.Seq[K] {
	return func(yield func(K) bool) {
		for key, x := range a.All() {
			if y, both := b.Get(key); !(both && same(x, y)) && !yield(key) {
				return
			}
		}
		for key := range b.All() {
			if _, both := a.Get(key); !both && !yield(key) {
				return
			}
		}
	}
}
