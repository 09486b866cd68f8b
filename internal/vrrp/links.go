package vrrp

import (
	"maps"
	"time"
)

// LinkDelay is how long an interface has to be down, or up, before instances act on it.
type LinkDelay struct{ Down, Up time.Duration }

// SetLinks makes links the whole of the node's interfaces, by name. One that goes or comes is seen
// at once; one that goes down or up is, where DelayLinks does not say otherwise.
func (e *Election) SetLinks(now time.Time, links map[string]Link, out *Output) {
	e.actual = links
	e.look(now)
	e.settle(now, out)
}

// DelayLinks makes delays, by interface, the whole of those that count from now on. A link that
// comes back to what it was within its delay was never seen to have changed.
func (e *Election) DelayLinks(delays map[string]LinkDelay) { e.delays = delays }

// Hold lets no instance start before until, whatever is heard in the meantime. Those that take
// part already go on.
func (e *Election) Hold(until time.Time) { e.hold = until }

// look finds out what the instances see of the links.
func (e *Election) look(now time.Time) {
	if len(e.delays) == 0 && len(e.turning) == 0 {
		e.links = e.actual
		return
	}
	maps.DeleteFunc(e.turning, func(name string, _ time.Time) bool {
		_, there := e.actual[name]
		return !there
	})
	seen := make(map[string]Link, len(e.actual))
	for name, link := range e.actual {
		was, known := e.links[name]
		if turns := known && was.Up != link.Up; turns && !e.sees(now, name, link.Up) {
			link.Up = was.Up
		} else {
			delete(e.turning, name)
		}
		seen[name] = link
	}
	e.links = seen
}

// sees tells whether a link that went down or up has been so for long enough.
func (e *Election) sees(now time.Time, name string, up bool) bool {
	at, turning := e.turning[name]
	if !turning {
		at = now.Add(e.delays[name].Down)
		if up {
			at = now.Add(e.delays[name].Up)
		}
		e.turning[name] = at
	}
	return !now.Before(at)
}

// turned tells whether a delay has ended, and lets the instances see it.
func (e *Election) turned(now time.Time) bool {
	for _, at := range e.turning {
		if !now.Before(at) {
			e.look(now)
			return true
		}
	}
	return false
}
