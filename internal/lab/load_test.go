package lab

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	dead := errors.New("dead")
	request := func(from, to int, by string, err error) Request {
		return Request{Start: at(from), End: at(to), By: by, Err: err}
	}
	for _, c := range []struct {
		name     string
		requests []Request
		failed   int
		by       map[string]int
		gap      time.Duration
		began    time.Time
	}{
		{"none", nil, 0, map[string]int{}, 0, time.Time{}},
		{"steady", []Request{request(0, 5, "a", nil), request(10, 15, "b", nil), request(20, 25, "a", nil)}, 0, map[string]int{"a": 2, "b": 1}, 10 * time.Millisecond, at(5)},
		{"a hole", []Request{request(0, 5, "a", nil), request(10, 500, "", dead), request(520, 530, "a", nil)}, 1, map[string]int{"a": 2}, 525 * time.Millisecond, at(5)},
		{"answers out of order", []Request{request(0, 90, "a", nil), request(10, 20, "b", nil), request(20, 30, "b", nil)}, 0, map[string]int{"a": 1, "b": 2}, 60 * time.Millisecond, at(30)},
		{"never an answer", []Request{request(0, 40, "", dead), request(10, 60, "", dead)}, 2, map[string]int{}, 60 * time.Millisecond, at(0)},
		{"no answer at the end", []Request{request(0, 5, "a", nil), request(10, 105, "", dead)}, 1, map[string]int{"a": 1}, 100 * time.Millisecond, at(5)},
		{"no answer at first", []Request{request(0, 50, "", dead), request(60, 70, "a", nil)}, 1, map[string]int{"a": 1}, 70 * time.Millisecond, at(0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Report{Requests: c.requests}
			if n := len(r.Failed()); n != c.failed {
				t.Errorf("%d failed, want %d", n, c.failed)
			}
			if diff := cmp.Diff(c.by, r.By()); diff != "" {
				t.Errorf("answered by (-want +got):\n%s", diff)
			}
			if gap, began := r.LongestGap(); gap != c.gap || !began.Equal(c.began) {
				t.Errorf("longest gap %s from %s on, want %s from %s on", gap, began, c.gap, c.began)
			}
		})
	}
}

// Between takes what begins at its first moment and not what begins at its last.
func TestReportBetween(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var r Report
	for n := range 5 {
		r.Requests = append(r.Requests, Request{Start: start.Add(time.Duration(n) * time.Second)})
	}
	got := r.Between(start.Add(time.Second), start.Add(3*time.Second))
	if diff := cmp.Diff(r.Requests[1:3], got.Requests); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The rate is that of the beginnings, however long the requests take.
func TestReportRate(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var r Report
	for n, want := range []float64{0, 0, 4, 4, 4} {
		if got := r.Rate(); got != want {
			t.Errorf("%d requests, 250 ms apart: rate %v, want %v", n, got, want)
		}
		begun := start.Add(time.Duration(n) * 250 * time.Millisecond)
		r.Requests = append(r.Requests, Request{Start: begun, End: begun.Add(time.Minute)})
	}
}
