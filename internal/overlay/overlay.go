// Package overlay has maps that do not change, of which one is another but for a few keys: making it, and telling it
// from that other one, costs as much as those few.
package overlay

import (
	"iter"
	"maps"
)

// Map is a map that does not change. Its zero value is empty. Any number of goroutines may read it.
type Map[K comparable, V any] struct {
	base    *map[K]V
	changes map[K]Change[V]
	length  int
}

// Change is what becomes of a key.
type Change[V any] struct {
	Value V
	// Gone tells that the key is not there, whatever Value is.
	Gone bool
}

// Of is a map with what m has. The caller must not change m any more.
func Of[K comparable, V any](m map[K]V) Map[K, V] { return Map[K, V]{base: &m, length: len(m)} }

// With is m with changes, which the caller must not change any more.
func (m Map[K, V]) With(changes map[K]Change[V]) Map[K, V] {
	if len(changes) == 0 {
		return m
	}
	if len(m.changes) > 0 {
		all := maps.Clone(m.changes)
		maps.Copy(all, changes)
		changes = all
	}
	with := Map[K, V]{base: m.base, changes: changes, length: len(m.under())}
	for key, change := range changes {
		switch _, there := m.under()[key]; {
		case there && change.Gone:
			with.length--
		case !there && !change.Gone:
			with.length++
		}
	}
	return with
}

// under is the map below the changes.
func (m Map[K, V]) under() map[K]V {
	if m.base == nil {
		return nil
	}
	return *m.base
}

// Get is the value of a key, and whether it is there.
func (m Map[K, V]) Get(key K) (V, bool) {
	if change, changed := m.changes[key]; changed {
		if change.Gone {
			var none V
			return none, false
		}
		return change.Value, true
	}
	value, there := m.under()[key]
	return value, there
}

// Len is the number of keys.
func (m Map[K, V]) Len() int { return m.length }

// All are the keys with their values, in no order.
func (m Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for key, value := range m.under() {
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
	if a.base != b.base {
		return differ(a, b, same)
	}
	return func(yield func(K) bool) {
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
