package lab

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Load asks for a page again and again, each time over a new connection.
type Load struct {
	From    *Host
	URL     string        // with a literal address
	Rate    int           // requests begun per second, however long they take
	Timeout time.Duration // of one request
}

// Request is one of a load's requests.
type Request struct {
	Start, End time.Time
	By         string // the host that answered
	Err        error
}

// Traffic is a load that is running.
type Traffic struct {
	cancel context.CancelFunc
	ended  chan struct{}

	mu       sync.Mutex
	requests []Request
}

// Start begins the load.
func (l Load) Start() *Traffic {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Traffic{cancel: cancel, ended: make(chan struct{})}
	go t.run(ctx, l)
	return t
}

func (t *Traffic) run(ctx context.Context, l Load) {
	defer close(t.ended)
	client := l.From.HTTPClient(l.Timeout)
	var asking sync.WaitGroup
	defer asking.Wait()
	start := time.Now()
	for n := 0; ; n++ {
		// Reckoned from the start, a late wake-up is made up for and the rate is kept.
		due := start.Add(time.Duration(n) * time.Second / time.Duration(l.Rate))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		asking.Go(func() {
			r := Ask(client, l.URL)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.requests = append(t.requests, r)
		})
	}
}

// Ask makes one request. An answer other than 200 is an error.
func Ask(client *http.Client, url string) Request {
	r := Request{Start: time.Now()}
	r.By, r.Err = body(client, url)
	r.End = time.Now()
	return r
}

func body(client *http.Client, url string) (string, error) {
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("answered %s", resp.Status)
	}
	return strings.TrimSpace(string(b)), nil
}

// SoFar returns what has been answered or has failed until now.
func (t *Traffic) SoFar() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	requests := slices.Clone(t.requests)
	slices.SortFunc(requests, func(a, b Request) int { return a.Start.Compare(b.Start) })
	return Report{Requests: requests}
}

// Stop ends the load, waits for the requests under way and returns all.
func (t *Traffic) Stop() Report {
	t.cancel()
	<-t.ended
	return t.SoFar()
}

// Report is what became of requests, in the order in which they were begun.
type Report struct{ Requests []Request }

// Between returns the requests begun in [from, to).
func (r Report) Between(from, to time.Time) Report {
	var part Report
	for _, q := range r.Requests {
		if !q.Start.Before(from) && q.Start.Before(to) {
			part.Requests = append(part.Requests, q)
		}
	}
	return part
}

// Failed returns the requests that were not answered.
func (r Report) Failed() []Request {
	return slices.DeleteFunc(slices.Clone(r.Requests), func(q Request) bool { return q.Err == nil })
}

// By returns how many requests each host answered.
func (r Report) By() map[string]int {
	by := map[string]int{}
	for _, q := range r.Requests {
		if q.Err == nil {
			by[q.By]++
		}
	}
	return by
}

// Rate returns how many requests were begun per second, from the first to the last; 0 if there are fewer than two.
func (r Report) Rate() float64 {
	n := len(r.Requests)
	if n < 2 {
		return 0
	}
	return float64(n-1) / r.Requests[n-1].Start.Sub(r.Requests[0].Start).Seconds()
}

// LongestGap returns the longest time without an answer and when it began: between two answers, from the first request to
// the first answer, or from the last answer to the end of the last request.
func (r Report) LongestGap() (gap time.Duration, began time.Time) {
	if len(r.Requests) == 0 {
		return 0, time.Time{}
	}
	moments := []time.Time{r.Requests[0].Start}
	last := moments[0]
	for _, q := range r.Requests {
		if q.Err == nil {
			moments = append(moments, q.End)
		}
		if q.End.After(last) {
			last = q.End
		}
	}
	moments = append(moments, last)
	slices.SortFunc(moments, time.Time.Compare)
	for i, m := range moments[1:] {
		if d := m.Sub(moments[i]); d > gap {
			gap, began = d, moments[i]
		}
	}
	return gap, began
}

// String is a summary in one line.
func (r Report) String() string {
	by := r.By()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, by[name]))
	}
	gap, _ := r.LongestGap()
	return fmt.Sprintf("%d requests, %d failed, longest gap %s; answered: %s",
		len(r.Requests), len(r.Failed()), gap.Round(time.Millisecond), strings.Join(parts, ", "))
}
