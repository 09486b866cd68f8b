package netif

import "maps"

// own books an address that was put on: it may be removed whatever stands beside it, and under
// every name that its interface gets.
func (l *loop) own(a Address) {
	l.owned[a] = struct{}{}
	l.index[a] = l.have.Links[a.Dev]
}

// follow keeps owned addresses known on an interface that gets another name.
func (l *loop) follow() {
	names := make(map[int]string, len(l.have.Links))
	for name, index := range l.have.Links {
		names[index] = name
	}
	for a := range maps.Clone(l.owned) {
		if _, there := l.have.Addresses[a.bare()]; there {
			l.index[a] = l.have.Links[a.Dev]
			continue
		}
		name, there := names[l.index[a]]
		if !there || name == a.Dev {
			continue
		}
		for b := range l.have.Addresses {
			if b.Dev == name && b.Prefix == a.Prefix { // the kernel changes its label too
				b = b.with(a)
				l.owned[b], l.index[b] = struct{}{}, l.index[a]
			}
		}
	}
}

// known are addresses of the kernel's table with what was written with them.
func (l *loop) known(table map[Address]struct{}) map[Address]struct{} {
	written := make(map[Address]Address, len(l.owned))
	for a := range l.owned {
		written[a.bare()] = a
	}
	known := make(map[Address]struct{}, len(table))
	for a := range table {
		known[a.with(written[a])] = struct{}{}
	}
	return known
}

// disown forgets the addresses that are gone: who puts one on next is not known.
func (l *loop) disown() {
	if !l.dumped || l.stale {
		return
	}
	if !l.unread {
		l.routes.disown()
		l.rules.disown()
	}
	for a := range l.owned {
		if _, there := l.have.Addresses[a]; !there {
			delete(l.owned, a)
			delete(l.index, a)
		}
	}
}
