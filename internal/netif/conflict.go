package netif

import (
	"slices"
	"strings"
	"time"
)

// Probing, after RFC 5227: after a takeover the old master is given a second to let go, then asked
// for in growing steps; a backup asks now and then, and listens for a second.
const (
	letGo      = time.Second
	backupAsks = time.Minute
	answersIn  = time.Second
	toldAgain  = time.Minute
	// defendAgain is DEFEND_INTERVAL of RFC 5227 §1.1: two hosts that both defend an address do not
	// fill the segment.
	defendAgain = 10 * time.Second
)

func masterAsks() []time.Duration { return []time.Duration{letGo, 3 * time.Second, 10 * time.Second} }

// heard is a host that said it has an address.
type heard struct {
	place place
	mac   string
	at    time.Time
}

func newConflicts() *conflicts {
	return &conflicts{of: map[place]*conflict{}, told: map[heard]time.Time{}, defends: map[string]time.Time{}}
}

// conflicts decides what is to be asked and what an answer means. It is pure but for its memory.
type conflicts struct {
	of      map[place]*conflict
	told    map[heard]time.Time // the moments in the keys are zero
	defends map[string]time.Time
}

// conflict is what is known of the claims on one address.
type conflict struct {
	instance string
	master   bool
	since    time.Time // the instance became master, or backup
	asked    time.Time // the last question
	asks     int       // questions since then
	next     time.Time // the next one; zero for none
	answers  []string  // to the last one, MACs, sorted; of a backup
	crowded  bool      // the question before that one had two answers or more
}

// follow makes addresses the places that are watched. Roles of instances that stay are kept.
func (c *conflicts) follow(now time.Time, instances map[string]Instance, masters map[string]bool) {
	old := c.of
	c.of = map[place]*conflict{}
	for name, in := range instances {
		if in.Static {
			continue
		}
		for _, a := range in.Addresses {
			p := a.canonical().place()
			if known := old[p]; known != nil && known.instance == name && known.master == masters[name] {
				c.of[p] = known
				continue
			}
			next := now.Add(backupAsks)
			if masters[name] {
				next = now.Add(masterAsks()[0])
			}
			c.of[p] = &conflict{instance: name, master: masters[name], since: now, next: next}
		}
	}
}

// due returns the places to ask for now.
func (c *conflicts) due(now time.Time) (ask []place) {
	for p, k := range c.of {
		if k.next.IsZero() || now.Before(k.next) {
			continue
		}
		ask = append(ask, p)
		k.asked, k.crowded, k.answers = now, len(k.answers) > 1, nil
		k.next = now.Add(backupAsks)
		if k.asks++; k.master {
			k.next = time.Time{}
			if asks := masterAsks(); k.asks < len(asks) {
				k.next = k.since.Add(asks[k.asks])
			}
		}
	}
	slices.SortFunc(ask, func(a, b place) int { return strings.Compare(a.dev+a.ip.String(), b.dev+b.ip.String()) })
	return ask
}

// hear takes what another host said of an address. The instance is to be announced where defend
// names it.
func (c *conflicts) hear(h heard) (reports []Conflict, defend string) {
	k := c.of[h.place]
	switch {
	case k == nil || k.master && h.at.Sub(k.since) < letGo:
		return nil, ""
	case !k.master:
		return c.answer(k, h), ""
	}
	reports = c.tell(h.at, Conflict{Instance: k.instance, Address: h.place.ip, Dev: h.place.dev, MACs: []string{h.mac}, Master: true})
	if last, known := c.defends[k.instance]; !known || h.at.Sub(last) >= defendAgain {
		c.defends[k.instance] = h.at
		defend = k.instance
	}
	return reports, defend
}

// answer takes an answer to a backup's question. Two hosts answer for a moment while one takes over
// from the other, so that they are asked twice.
func (c *conflicts) answer(k *conflict, h heard) []Conflict {
	at, known := slices.BinarySearch(k.answers, h.mac)
	if known || k.asks == 0 || h.at.Sub(k.asked) > answersIn {
		return nil
	}
	k.answers = slices.Insert(k.answers, at, h.mac)
	switch {
	case len(k.answers) < 2:
		return nil
	case !k.crowded:
		k.next = k.asked.Add(2 * answersIn)
		return nil
	}
	return c.tell(h.at, Conflict{Instance: k.instance, Address: h.place.ip, Dev: h.place.dev, MACs: slices.Clone(k.answers)})
}

// tell adds a report, unless it was told within a minute.
func (c *conflicts) tell(now time.Time, r Conflict) []Conflict {
	key := heard{place: place{r.Dev, r.Address}, mac: strings.Join(r.MACs, " ")}
	if last, known := c.told[key]; known && now.Sub(last) < toldAgain {
		return nil
	}
	for k, at := range c.told { // a host that makes up addresses must not fill the memory
		if now.Sub(at) >= toldAgain {
			delete(c.told, k)
		}
	}
	if len(c.told) == maxTold {
		return nil
	}
	c.told[key] = now
	return []Conflict{r}
}

// maxTold bounds how many conflicts are told in a minute.
const maxTold = 100

// deadline is when due has something to do; the zero time for never.
func (c *conflicts) deadline() (next time.Time) {
	for _, k := range c.of {
		if !k.next.IsZero() && (next.IsZero() || k.next.Before(next)) {
			next = k.next
		}
	}
	return next
}
