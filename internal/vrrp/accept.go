package vrrp

import (
	"net/netip"
	"slices"
)

// accept learns from an advert of a master that is not us.
func (i *instance) accept(a *Advert, out *Output) {
	if i.cfg.Version == 3 {
		i.masterInterval = a.Interval
	}
	if i.master != a.Source {
		i.master, i.mismatched, i.outpaced = a.Source, false, false
		out.Notes = append(out.Notes, Note{Kind: NoteMaster, Key: i.cfg.Key, Name: i.cfg.Name,
			Peer: a.Source, Priority: a.Priority})
	}
	differ := !sameAddresses(a.Addresses, i.cfg.Addresses)
	if differ && !i.mismatched {
		// RFC 9568 §7.1 lets such an advert count: dropping it would make two masters of a pair
		// whose files are changed one after the other.
		out.Notes = append(out.Notes, Note{Kind: NoteAddresses, Key: i.cfg.Key, Name: i.cfg.Name,
			Peer: a.Source, Priority: a.Priority, Advertised: slices.Clone(a.Addresses)})
	}
	i.mismatched = differ
	if differ = a.Interval != i.cfg.Interval; differ && !i.outpaced { // RFC 9568 §7.1; one of version 2 is refused
		out.Notes = append(out.Notes, Note{Kind: NoteInterval, Key: i.cfg.Key, Name: i.cfg.Name,
			Peer: a.Source, Priority: a.Priority, Interval: a.Interval, Ours: i.cfg.Interval})
	}
	i.outpaced = differ
}

func sameAddresses(a, b []netip.Addr) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}
