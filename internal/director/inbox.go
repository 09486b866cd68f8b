package director

import (
	"sync"
	"time"

	"lvsd/internal/check"
)

// inbox carries what happened to the director's goroutine. Posting never waits: the election's
// thread and the appliers post.
type inbox struct {
	mu     sync.Mutex
	list   []any
	posted chan struct{}
}

func newInbox() *inbox { return &inbox{posted: make(chan struct{}, 1)} }

func (b *inbox) post(happened any) {
	b.mu.Lock()
	b.list = append(b.list, happened)
	b.mu.Unlock()
	select {
	case b.posted <- struct{}{}:
	default:
	}
}

// take returns what was posted since the last take, in order.
func (b *inbox) take() []any {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.list
	b.list = nil
	return list
}

// What is posted beside the reports of the other packages.
type (
	reload struct{}
	stop   struct{}
	turn   struct{} // nothing, but that the loop comes round
	broken struct { // a part has ended, with ctx or broken
		part string
		err  error
	}
	checkFault struct {
		spec check.Spec
		err  error // nil: it is over
	}
	stateLost struct { // a state file that cannot be read or written
		part string
		err  error
	}
	due         struct{} // a time has come for which the memory waited
	certificate struct {
		spec    check.Spec
		expires time.Time
	}
	checkFailed struct {
		spec    check.Spec
		verdict check.Verdict
	}
	statusRequest struct{ reply chan<- Status }
)
