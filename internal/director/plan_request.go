package director

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf"
	"lvsd/internal/ipvs"
	"lvsd/internal/vrrp"
)

// PlanRequest asks what a reload with a file would change.
type PlanRequest struct {
	// Path is absolute: the daemon's working directory is not the client's.
	Path string `json:"path"`
	// Also are more files of the same configuration, absolute too.
	Also []string `json:"also,omitempty"`
	// Hostname, ConfigID and Format (auto, hcl or keepalived) are those of the daemon where they are
	// empty.
	Hostname string `json:"hostname,omitempty"`
	ConfigID string `json:"config_id,omitempty"`
	Format   string `json:"format,omitempty"`
	// Color asks for a Text with colours.
	Color bool `json:"color,omitempty"`
}

// PlanAnswer is the plan, or what is wrong with the file.
type PlanAnswer struct {
	Valid       bool      `json:"valid"`
	Diagnostics []Problem `json:"diagnostics"`
	Plan        *Plan     `json:"plan"` // nil when the file is not valid
	// Text is the diagnostics as "lvsd check" prints them.
	Text string `json:"text,omitempty"`
}

// Problem is a diagnostic of a configuration file. Lines and columns begin at 1.
type Problem struct {
	Severity  string    `json:"severity"` // error or warning
	Summary   string    `json:"summary"`
	Detail    string    `json:"detail,omitempty"`
	Node      string    `json:"node,omitempty"` // the first for which it is so, of several that were asked about
	File      string    `json:"file"`
	Line      int       `json:"line"`
	Column    int       `json:"column"`
	EndLine   int       `json:"end_line"`
	EndColumn int       `json:"end_column"`
	Related   []Related `json:"related,omitempty"`
}

// Related is another place that a Problem is about.
type Related struct {
	Text   string `json:"text"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// ErrRequest says that a PlanRequest cannot be answered, whatever the file says.
var ErrRequest = errors.New("bad request")

// errStopping: of a node that is about to end there is nothing to plan.
var errStopping = errors.New("lvsd is stopping")

// connectionsWait bounds how long a plan waits for the kernel's connections: without them it says
// less.
const connectionsWait = 2 * time.Second

// PlanFile reads a file as a reload would, and says what that would change. It changes nothing.
// Errors wrap ErrRequest or ctx's; a file that is not valid is no error.
func (d *Director) PlanFile(ctx context.Context, q PlanRequest) (PlanAnswer, error) {
	load, err := q.load(d.options.Load)
	if err != nil {
		return PlanAnswer{}, err
	}
	// Not on the director's goroutine: a large file takes its time.
	a, cfg, err := answered(conf.Load(q.Path, load), q.Color)
	if err != nil || cfg == nil {
		return a, err
	}
	p, err := d.Plan(ctx, cfg)
	a.Plan = &p
	return a, err
}

func (q *PlanRequest) load(o conf.Options) (conf.Options, error) {
	for _, path := range append([]string{q.Path}, q.Also...) {
		if !filepath.IsAbs(path) {
			return o, fmt.Errorf("%w: the path %q is not absolute", ErrRequest, path)
		}
	}
	o.Also = q.Also
	formats := map[string]conf.Format{"auto": conf.Auto, "hcl": conf.HCL, "keepalived": conf.Keepalived}
	if q.Format != "" {
		f, known := formats[q.Format]
		if !known {
			return o, fmt.Errorf("%w: the format is auto, hcl or keepalived, not %q", ErrRequest, q.Format)
		}
		o.Format = f
	}
	if q.Hostname != "" {
		o.Hostname = q.Hostname
	}
	if q.ConfigID != "" {
		o.Instance = q.ConfigID
	}
	return o, nil
}

// answered is the answer without a plan, and the configuration if there is one.
func answered(r *conf.Result, color bool) (PlanAnswer, *conf.Config, error) {
	var text strings.Builder
	if err := r.WriteDiagnostics(&text, color); err != nil {
		return PlanAnswer{}, nil, fmt.Errorf("print diagnostics: %w", err)
	}
	return PlanAnswer{Valid: r.Config != nil, Diagnostics: Problems(r.Diags), Text: text.String()}, r.Config, nil
}

// Problems are the diagnostics of conf.Load as data.
func Problems(diags hcl.Diagnostics) []Problem {
	list := []Problem{}
	for _, d := range diags {
		at := d.Subject
		p := Problem{Severity: "error", Summary: d.Summary, Detail: d.Detail, File: at.Filename, Line: at.Start.Line,
			Column: at.Start.Column, EndLine: at.End.Line, EndColumn: at.End.Column}
		if d.Severity == hcl.DiagWarning {
			p.Severity = "warning"
		}
		for _, r := range conf.RelatedTo(d) {
			p.Related = append(p.Related, Related{r.Text, r.Range.Filename, r.Range.Start.Line, r.Range.Start.Column})
		}
		list = append(list, p)
	}
	return list
}

// PlanFiles is the plan from one file to another, of which both were loaded already and of which
// from is valid. Nothing of the host is looked at.
func PlanFiles(from *conf.Config, to *conf.Result, color bool) (PlanAnswer, error) {
	a, cfg, err := answered(to, color)
	if err == nil && cfg != nil {
		p := Compare(from, cfg, os.Getegid())
		a.Plan = &p
	}
	return a, err
}

// planRequest asks the director's goroutine what it runs.
type planRequest struct{ reply chan<- running }

type running struct {
	cfg      *conf.Config
	facts    facts
	stopping bool
}

// running is what a plan has to know of the node; the copies are its own.
func (d *Director) running() running {
	states := make(map[vrrp.Key]vrrp.State, len(d.roles))
	for key, r := range d.roles {
		states[key] = r.state
	}
	return running{cfg: d.cfg, stopping: d.stopping || d.ended,
		facts: facts{live: true, states: states, health: d.health.clone()}}
}

// Plan says what adopting a configuration would change on this node now. Errors are ctx's.
func (d *Director) Plan(ctx context.Context, cfg *conf.Config) (Plan, error) {
	reply := make(chan running, 1)
	d.inbox.post(planRequest{reply})
	var now running
	select {
	case now = <-reply:
	case <-ctx.Done():
		return Plan{}, ctx.Err()
	}
	if now.stopping {
		return Plan{}, errStopping
	}
	brief, cancel := context.WithTimeout(ctx, connectionsWait)
	defer cancel()
	if stats, err := d.services.Stats(brief); err == nil {
		now.facts.servers = connections(stats)
	}
	return plan(now.cfg, cfg, now.facts, os.Getegid()), ctx.Err()
}

func connections(stats ipvs.Stats) map[serverKey]ipvs.DestinationStats {
	m := map[serverKey]ipvs.DestinationStats{}
	for _, s := range stats.Services {
		for _, d := range s.Destinations {
			m[serverKey{s.Key, d.Address}] = d
		}
	}
	return m
}
