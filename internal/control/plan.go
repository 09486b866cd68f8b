package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lvsd/internal/director"
)

const (
	// planTimeout bounds a plan: it reads files, which may be large.
	planTimeout = time.Minute
	// maxRequest bounds the body of a request, in bytes: a path is what is long in it.
	maxRequest = 64 << 10
)

// decoded reads the body of a request; where it is none it answers, and returns false.
func decoded(w http.ResponseWriter, q *http.Request, request any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, q.Body, maxRequest))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(request)
	if err == nil {
		return true
	}
	code := http.StatusBadRequest
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		code = http.StatusRequestEntityTooLarge
	}
	http.Error(w, fmt.Sprintf("read request: %v", err), code)
	return false
}

// planHandler answers with a plan. One is made at a time: reading a large file costs memory.
func planHandler(source Source) http.HandlerFunc {
	turn := make(chan struct{}, 1)
	return func(w http.ResponseWriter, q *http.Request) {
		// The server's deadlines are those of a request that reads nothing.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(planTimeout + requestTimeout))
		ctx, cancel := context.WithTimeout(q.Context(), planTimeout)
		defer cancel()
		var request director.PlanRequest
		if !decoded(w, q, &request) {
			return
		}
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			http.Error(w, fmt.Sprintf("wait for another plan: %v", ctx.Err()), http.StatusServiceUnavailable)
			return
		}
		answer, err := source.PlanFile(ctx, request)
		respond(w, "make plan", answer, err)
	}
}

// Plan asks the lvsd of a run directory what a reload with a file would change. Errors wrap
// ErrNotRunning, ctx's, or the socket's; a file that is not valid is an answer.
func Plan(ctx context.Context, dir string, q director.PlanRequest) (director.PlanAnswer, error) {
	var a director.PlanAnswer
	return a, post(ctx, dir, "a plan", planPath, q, &a)
}
