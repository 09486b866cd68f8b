package netif

import "time"

// tries remembers what was tried before, so that failures are retried with a back-off, told once,
// and a struggle with somebody who undoes our work does not become a busy loop.
type tries[K comparable] struct {
	first, most time.Duration // wait after the first failure; it doubles up to most
	of          map[K]*try
}

type try struct {
	failures int
	said     string // the error last told
	repeats  int    // successes in quick succession
	last     time.Time
	next     time.Time // not before
}

// What may be done again at once (repeats within quick), before it has to wait.
const (
	quick      = time.Second
	freeTimes  = 5
	forgetting = 10 * time.Second
)

// ready reports whether k may be tried at the time now.
func (t *tries[K]) ready(k K, now time.Time) bool {
	try := t.of[k]
	return try == nil || !try.next.After(now)
}

// failed books a failure and reports whether its error is news.
func (t *tries[K]) failed(k K, now time.Time, err error) (news bool) {
	try := t.at(k)
	wait := t.most
	if try.failures < 16 {
		wait = min(t.most, t.first<<try.failures)
	}
	try.failures++
	try.last, try.next = now, now.Add(wait)
	news = try.said != err.Error()
	try.said = err.Error()
	return news
}

// done books a success. A throttled one that has to be repeated again and again has to wait.
func (t *tries[K]) done(k K, now time.Time, throttle bool) {
	if !throttle {
		delete(t.of, k)
		return
	}
	try := t.at(k)
	if now.Sub(try.last) > quick {
		try.repeats = 0
	}
	*try = try.again(now)
}

func (t try) again(now time.Time) try {
	t = try{repeats: t.repeats + 1, last: now}
	if t.repeats >= freeTimes {
		t.next = now.Add(quick)
	}
	return t
}

func (t *tries[K]) at(k K) *try {
	if t.of == nil {
		t.of = make(map[K]*try)
	}
	if t.of[k] == nil {
		t.of[k] = new(try)
	}
	return t.of[k]
}

// only forgets what failed and is no longer to be done, and successes of long ago.
func (t *tries[K]) only(todo []K, now time.Time) {
	if len(t.of) == 0 {
		return
	}
	still := make(map[K]bool, len(todo))
	for _, k := range todo {
		still[k] = true
	}
	for k, try := range t.of {
		if !still[k] && (try.failures > 0 || now.Sub(try.last) > forgetting) {
			delete(t.of, k)
		}
	}
}

// hurry ends all waits after failures.
func (t *tries[K]) hurry() {
	for _, try := range t.of {
		if try.failures > 0 {
			try.next = time.Time{}
		}
	}
}

// next returns the first time after now at which something may be tried again; zero for none.
func (t *tries[K]) next(now time.Time) (next time.Time) {
	for _, try := range t.of {
		if try.next.After(now) && (next.IsZero() || try.next.Before(next)) {
			next = try.next
		}
	}
	return next
}

// due reports whether a failure may be retried at the time now.
func (t *tries[K]) due(now time.Time) bool {
	for _, try := range t.of {
		if try.failures > 0 && !try.next.After(now) {
			return true
		}
	}
	return false
}
