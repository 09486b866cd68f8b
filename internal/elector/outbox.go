package elector

import "sync"

// maxUnread is how much an outbox holds. A reader that is so far behind is as good as dead.
const maxUnread = 1 << 16

// outbox is a queue to a writer that may be slow. Putting never waits.
type outbox[T any] struct {
	mu     sync.Mutex
	list   []T
	closed bool
	filled chan struct{}
}

func newOutbox[T any]() *outbox[T] { return &outbox[T]{filled: make(chan struct{}, 1)} }

// put appends v, or has merge take it into the last of the list, which merge may refuse. After
// close it does nothing; false says that the outbox is full, and closed for that.
func (b *outbox[T]) put(v T, merge func(last *T) bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch n := len(b.list); {
	case b.closed:
		return true
	case n > 0 && merge != nil && merge(&b.list[n-1]):
	case n == maxUnread:
		b.closed = true
	default:
		b.list = append(b.list, v)
	}
	b.wake()
	return !b.closed
}

// close has take return what is left, and then nil.
func (b *outbox[T]) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.wake()
}

func (b *outbox[T]) wake() {
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

// take waits for something to be put and returns all there is; nil says that the outbox is closed.
func (b *outbox[T]) take() []T {
	for {
		b.mu.Lock()
		list, closed := b.list, b.closed
		b.list = nil
		b.mu.Unlock()
		if len(list) > 0 {
			return list
		}
		if closed {
			return nil
		}
		<-b.filled
	}
}
