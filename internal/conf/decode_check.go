package conf

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"lvsd/internal/conf/keepalived"
)

// timing are the words that a check inherits: its own, else the real server's, else the virtual
// server's, else the default. A nil is a word that nobody wrote yet.
type timing struct {
	interval, timeout, delay *time.Duration
	retry                    *int
	alpha                    *bool
}

// timing stores one of the words of timing and lets others be.
func (d *decoder) timing(n *keepalived.Node, to *timing) {
	var v time.Duration
	switch n.Name {
	case "delay_loop":
		if d.duration(n, minDuration, maxDuration, &v) {
			to.interval = &v
		}
	case "connect_timeout":
		if d.duration(n, minDuration, maxDuration, &v) {
			to.timeout = &v
		}
	case "delay_before_retry":
		if d.duration(n, 0, maxDuration, &v) {
			to.delay = &v
		}
	case "retry":
		var retry int
		if d.whole(n, 0, maxRetry, &retry) {
			to.retry = &retry
		}
	case "alpha":
		var alpha bool
		if d.flag(n, &alpha) {
			to.alpha = &alpha
		}
	}
}

func isChecker(name string) bool {
	switch CheckKind(name) {
	case PingCheck, TCPCheck, HTTPGet, SSLGet:
		return true
	}
	return false
}

func (d *decoder) check(n *keepalived.Node, own timing, r *RealServer) {
	def := d.front.defaults
	c := Check{
		Kind:             CheckKind(n.Name),
		Interval:         def.Interval,
		Timeout:          def.Timeout,
		Retry:            def.Retry,
		DelayBeforeRetry: def.DelayBeforeRetry,
		Range:            n.Range,
	}
	http := c.Kind == HTTPGet || c.Kind == SSLGet
	if http {
		c.DelayBeforeRetry = def.HTTPDelay
	}
	urls := 0
	d.singles(n, func(name string) bool { return name == "url" }, func(w *keepalived.Node) {
		if w.Name == "url" {
			urls++
			d.url(w, &c)
			return
		}
		d.timing(w, &own)
	})
	if http && urls == 0 {
		d.errorf(n.Range, "%s has no url; write at least one", n.Name)
	}
	if own.interval != nil {
		c.Interval = *own.interval
	}
	if own.timeout != nil {
		c.Timeout = *own.timeout
	}
	if own.delay != nil {
		c.DelayBeforeRetry = *own.delay
	}
	if own.retry != nil {
		c.Retry = *own.retry
	}
	if own.alpha != nil {
		c.Alpha = *own.alpha
	}
	r.Checks = append(r.Checks, c)
}

func (d *decoder) url(n *keepalived.Node, c *Check) {
	u := URL{Range: n.Range}
	d.singles(n, never, func(w *keepalived.Node) {
		switch w.Name {
		case "path":
			d.path(w, &u.Path)
		case "status_code":
			if len(w.Args) == 0 && !w.Broken {
				d.errorf(w.Range, "status_code is empty; write a code such as 200, or leave it out")
			}
			for _, code := range w.Args {
				d.statusCode(code, &u)
			}
		}
	})
	if u.Path == "" && !has(n, "path") {
		d.errorf(n.Range, "url has no path; write the one to ask for, such as /")
	}
	if len(u.StatusCodes) == 0 {
		u.StatusCodes = []StatusRange{d.front.defaults.StatusCodes}
	}
	c.URLs = append(c.URLs, u)
}

func has(n *keepalived.Node, name string) bool {
	for _, c := range n.Children {
		if c.Name == name {
			return true
		}
	}
	return false
}

func (d *decoder) path(n *keepalived.Node, to *string) {
	w, ok := first(n)
	if !ok {
		return
	}
	if strings.ContainsFunc(w.Text, unicode.IsControl) {
		d.errorf(w.Range, "A path holds no control character, unlike %q", w.Text)
		return
	}
	if !strings.HasPrefix(w.Text, "/") || strings.ContainsFunc(w.Text, unicode.IsSpace) {
		d.errorf(w.Range, `A path begins with "/" and holds no blank, unlike %q`, w.Text)
		return
	}
	*to = w.Text
}

// statusCode reads N or N-M.
func (d *decoder) statusCode(w keepalived.Word, u *URL) {
	from, to, ranged := strings.Cut(w.Text, "-")
	if !ranged {
		to = from
	}
	first, errFirst := strconv.Atoi(from)
	last, errLast := strconv.Atoi(to)
	if errFirst != nil || errLast != nil || first < 100 || last > 599 || first > last {
		d.errorf(w.Range, "status_code takes codes from 100 to 599 such as 200 or 200-299, not %q", w.Text)
		return
	}
	u.StatusCodes = append(u.StatusCodes, StatusRange{first, last})
}
