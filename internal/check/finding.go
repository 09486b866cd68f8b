package check

import (
	"context"
	"time"
)

// Finding is what a probe found beside health or the lack of it. Its zero value is nothing.
type Finding struct {
	// Expires is when the certificate that the target showed ends; the zero value where it showed
	// none.
	Expires time.Time
	// Weight is the weight that the target wants, where Weighted says that it has said so, and
	// Offset is added to the weight that it has anyway.
	Weight   int
	Weighted bool
	Offset   int
}

// findingKey is the key of a context's *Finding.
type findingKey struct{}

// withFinding is a context in which checkers note what they find.
func withFinding(ctx context.Context, f *Finding) context.Context {
	return context.WithValue(ctx, findingKey{}, f)
}

// note changes what was found in the probe of a context. Only the probe's own goroutine calls it.
func note(ctx context.Context, change func(*Finding)) {
	if f, ok := ctx.Value(findingKey{}).(*Finding); ok {
		change(f)
	}
}

// weight is the part of a finding that is about weight.
func (f Finding) weight() Finding {
	f.Expires = time.Time{}
	return f
}
