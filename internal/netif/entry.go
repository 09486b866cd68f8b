package netif

import (
	"fmt"
	"slices"
)

// entry is a route or a rule.
type entry[E any] interface {
	comparable
	fmt.Stringer
	// parts are the entries of the kernel that make it up, in canonical form.
	parts() []E
	// slot is the same for all entries of which one could take another's place.
	slot() any
	// is reports whether what the kernel has is what the receiver asks for.
	is(have E) bool
	// excludes reports whether the kernel cannot have both at a time.
	excludes(have E) bool
	// key is the entry without what is about adding it only. behind is it to be added behind others
	// in its slot, beside to be added where others are that may be beside it.
	key() E
	behind() E
	beside() E
	// mayStayAway says that it is not put back when somebody removes it.
	mayStayAway() bool
	// interfaces are those without which the kernel drops it.
	interfaces() []string
	// renamed is the entry after interfaces have got other names.
	renamed(names map[string]string) E
	// origin is the rtnetlink(7) protocol.
	origin() uint8
}

// table holds entries by their slots.
type table[E entry[E]] map[any][]E

func newTable[E entry[E]](entries []E) table[E] {
	t := make(table[E], len(entries))
	for _, e := range entries {
		t.put(e)
	}
	return t
}

func (t table[E]) put(e E) { t[e.slot()] = append(t[e.slot()], e) }

func (t table[E]) drop(e E) {
	rest := slices.DeleteFunc(t[e.slot()], func(h E) bool { return h == e })
	if len(rest) == 0 {
		delete(t, e.slot())
		return
	}
	t[e.slot()] = rest
}

// find returns the entry that is what e asks for.
func (t table[E]) find(e E) (have E, there bool) {
	for _, h := range t[e.slot()] {
		if e.is(h) {
			return h, true
		}
	}
	return have, false
}

// claim is an entry and the instance that should have it.
type claim[E entry[E]] struct {
	entry    E
	instance string
	static   bool
}
