package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lvsd/internal/director"
)

func TestPlanRoundTrip(t *testing.T) {
	plan := &director.Plan{
		Instances: []director.Entry{{Action: director.Changed, Name: "vrrp_instance web", Note: "n",
			Changes: []director.Change{{Attribute: "priority", From: "150", To: "120"}}}},
		Consequences: []director.Consequence{{Severity: director.Disruption, Kind: "k", Subject: "s", Text: "t", Connections: 12}},
		Summary:      director.Summary{Add: 1, Change: 2, Remove: 3},
	}
	for _, want := range []director.PlanAnswer{
		{Valid: true, Plan: plan},
		{Text: "line\n", Diagnostics: []director.Problem{{Severity: "error", Summary: "s", Detail: "d", File: "f", Line: 1,
			Column: 2, EndLine: 3, EndColumn: 4}}},
	} {
		request := director.PlanRequest{Path: "/etc/lvsd.hcl", Also: []string{"/etc/more.hcl"}, ConfigID: "high", Hostname: "lb2", Format: "hcl", Color: true}
		var asked director.PlanRequest
		dir, _, _ := serve(t, source{plan: func(_ context.Context, q director.PlanRequest) (director.PlanAnswer, error) {
			asked = q
			return want, nil
		}})
		got, err := Plan(t.Context(), dir, request)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(asked, request) {
			t.Errorf("asked for %+v", asked)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(director.Entry{})); diff != "" {
			t.Error(diff)
		}
	}
}

func TestPlanErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("the director is asleep"), "ask for a plan: 503 Service Unavailable: make plan: the director is asleep"},
		{fmt.Errorf("%w: no path", director.ErrRequest), "ask for a plan: 400 Bad Request: bad request: no path"},
	} {
		dir, _, _ := serve(t, source{err: c.err})
		if _, err := Plan(t.Context(), dir, director.PlanRequest{}); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	dir := t.TempDir()
	if _, err := Plan(t.Context(), dir, director.PlanRequest{}); !errors.Is(err, ErrNotRunning) ||
		!strings.Contains(err.Error(), filepath.Join(dir, "lvsd.sock")) {
		t.Errorf("without a daemon: %v", err)
	}
}

// TestPlanRequestsAreBounded: what is no request, or more than one can be, is refused unread.
func TestPlanRequestsAreBounded(t *testing.T) {
	handler := planHandler(source{plan: func(context.Context, director.PlanRequest) (director.PlanAnswer, error) {
		t.Error("it was answered")
		return director.PlanAnswer{}, nil
	}})
	for body, code := range map[string]int{
		"":                    http.StatusBadRequest,
		"[]":                  http.StatusBadRequest,
		`{"path":1}`:          http.StatusBadRequest,
		`{"path":"/x","a":1}`: http.StatusBadRequest,
		`{"path":"` + strings.Repeat("x", maxRequest) + `"}`: http.StatusRequestEntityTooLarge,
	} {
		answer := httptest.NewRecorder()
		handler(answer, httptest.NewRequest(http.MethodPost, planPath, strings.NewReader(body)))
		if answer.Code != code {
			t.Errorf("%.20q: %d, want %d", body, answer.Code, code)
		}
	}
}

// TestOnePlanAtATime: every request has its turn.
func TestOnePlanAtATime(t *testing.T) {
	var inside atomic.Int32
	dir, _, _ := serve(t, source{plan: func(context.Context, director.PlanRequest) (director.PlanAnswer, error) {
		inside.Add(1)
		defer inside.Add(-1)
		for range 1000 { // for the others to come
			if n := inside.Load(); n > 1 {
				t.Errorf("%d plans at a time", n)
			}
			runtime.Gosched()
		}
		return director.PlanAnswer{Valid: true}, nil
	}})
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			if a, err := Plan(t.Context(), dir, director.PlanRequest{}); err != nil || !a.Valid {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
	clients.Wait()
}

// TestPlanGivesUpItsTurn: a client that waits for another's plan may leave.
func TestPlanGivesUpItsTurn(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	handler := planHandler(source{plan: func(context.Context, director.PlanRequest) (director.PlanAnswer, error) {
		close(began)
		<-finish
		return director.PlanAnswer{Valid: true}, nil
	}})
	ask := func(ctx context.Context) int {
		answer := httptest.NewRecorder()
		handler(answer, httptest.NewRequestWithContext(ctx, http.MethodPost, planPath, strings.NewReader(`{"path":"/x"}`)))
		return answer.Code
	}
	first := make(chan int, 1)
	go func() { first <- ask(t.Context()) }()
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := ask(ctx); code != http.StatusServiceUnavailable {
		t.Errorf("the second: %d", code)
	}
	close(finish)
	if code := <-first; code != http.StatusOK {
		t.Errorf("the first: %d", code)
	}
}
