package director

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
)

// event is one line of the log.
type event struct {
	name   Event
	fields map[string]any
}

func (e event) String() string { return fmt.Sprint(e.name, " ", e.fields) }

// eventLog is what a director has logged, for a test to wait for.
type eventLog struct {
	mu      sync.Mutex
	events  []event
	seen    int // events that were waited for
	changed chan struct{}
}

func newEventLog() *eventLog { return &eventLog{changed: make(chan struct{})} }

func (l *eventLog) add(e event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	close(l.changed)
	l.changed = make(chan struct{})
}

// wait returns the next event of a name, after the one that was waited for last.
func (l *eventLog) wait(t testing.TB, name Event) event {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		e, changed, ok := l.next(name)
		if ok {
			return e
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no event %s\n%s", name, l.transcript())
		}
	}
}

// next takes the next event of a name; where there is none yet, it gives what closes with the
// next event of any.
func (l *eventLog) next(name Event) (e event, changed chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.seen < len(l.events) {
		e := l.events[l.seen]
		l.seen++
		if e.name == name {
			return e, nil, true
		}
	}
	return event{}, l.changed, false
}

// all returns the events of a name so far.
func (l *eventLog) all(name Event) []event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []event
	for _, e := range l.events {
		if e.name == name {
			list = append(list, e)
		}
	}
	return list
}

func (l *eventLog) count(name Event) int { return len(l.all(name)) }

func (l *eventLog) transcript() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, e := range l.events {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}

// recorder is the core of a logger that fills an eventLog.
type recorder struct {
	zapcore.LevelEnabler
	log *eventLog
}

func (r recorder) With([]zapcore.Field) zapcore.Core { return r }
func (r recorder) Sync() error                       { return nil }

func (r recorder) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return c.AddCore(e, r)
}

func (r recorder) Write(_ zapcore.Entry, fields []zapcore.Field) error {
	m := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(m)
	}
	name, _ := m.Fields["event"].(string)
	delete(m.Fields, "event")
	r.log.add(event{Event(name), m.Fields})
	return nil
}
