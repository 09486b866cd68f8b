package conf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lvsd/internal/conf/keepalived"
)

// The words of a vrrp_script that are not written are the same in both languages.
const (
	scriptInterval = time.Second
	scriptRuns     = 1 // of rise and fall
)

func (d *decoder) script(n *keepalived.Node) {
	s := Script{Interval: scriptInterval, Rise: scriptRuns, Fall: scriptRuns, Range: n.Range}
	use := Tracked{Range: n.Range}
	d.text(n, &s.Name)
	given := map[string]bool{}
	d.singles(n, never, func(c *keepalived.Node) {
		given[c.Name] = true
		switch c.Name {
		case "script":
			d.command(c, &s.Command)
		case "interval":
			d.duration(c, minDuration, maxDuration, &s.Interval)
		case "timeout":
			d.duration(c, minDuration, maxDuration, &s.Timeout)
		case "weight":
			d.weight(c, TrackScript.bound(), &use)
		case "rise":
			d.whole(c, 1, maxRetry, &s.Rise)
		case "fall":
			d.whole(c, 1, maxRetry, &s.Fall)
		case "init_fail":
			d.flag(c, &s.InitFail)
		case "user":
			d.user(c, &s.Command)
		}
	})
	if !given["timeout"] {
		s.Timeout = s.Interval
	}
	if !given["script"] {
		d.errorf(n.Range, "vrrp_script %q has no script; write the command line that it runs", s.Name)
	}
	d.settleUser(&s.Command)
	if d.define("vrrp_script", s.Name, use) {
		d.cfg.Scripts = append(d.cfg.Scripts, s)
	}
}

// define notes something that instances may track, with the weight that it has where a use gives
// none. It is false where its name is taken.
func (d *decoder) define(keyword, name string, use Tracked) bool {
	known := d.trackers[keyword]
	if known == nil {
		known = map[string]Tracked{}
		d.trackers[keyword] = known
	}
	if other, twice := known[name]; twice {
		d.errorf(use.Range, "%s %q stands at %s already; give it another name", keyword, name, place(other.Range))
		d.relate(other.Range, "first defined here")
		return false
	}
	use.Name = name
	known[name] = use
	return true
}

// command reads a command line.
func (d *decoder) command(n *keepalived.Node, to *Program) {
	if n.Broken || len(n.Args) == 0 {
		return
	}
	words := make([]string, len(n.Args))
	for k, w := range n.Args {
		if words[k] = w.Text; strings.Contains(w.Text, "\x00") {
			d.errorf(w.Range, "An argument of a program cannot have the character NUL in it")
			return
		}
	}
	if words[0] == "" {
		d.errorf(n.Args[0].Range, "%s takes the path of a program, which is empty here", n.Keyword.Text)
		return
	}
	to.Words = words
}

// notification reads a program that is told of something, and whom it runs as.
func (d *decoder) notification(n *keepalived.Node, to *Program) {
	*to = Program{} // of what stands twice, the later one counts as a whole
	if len(n.Args) == 0 && !n.Broken {
		d.errorf(n.Range, "%s takes a command line, which is empty here", n.Keyword.Text)
		return
	}
	d.command(n, to)
	for _, c := range n.Children {
		d.user(c, to)
	}
	d.settleUser(to)
}

// user reads whom a program runs as: USER [GROUP]. Who has the names, the host knows.
func (d *decoder) user(n *keepalived.Node, to *Program) {
	if n.Broken || len(n.Args) == 0 || !d.account(n.Args[0], "user", &to.User) {
		return
	}
	if to.Group = ""; len(n.Args) > 1 {
		d.account(n.Args[1], "group", &to.Group)
	}
	if len(n.Args) > 2 {
		d.errorf(n.Args[2].Range, "%s takes a user and a group, and nothing behind them", n.Keyword.Text)
	}
}

// account reads the name or number of a user or a group.
func (d *decoder) account(w keepalived.Word, what string, to *string) bool {
	if w.Text == "" || !graphic(w.Text) || strings.ContainsAny(w.Text, " :/") || strings.HasPrefix(w.Text, "-") {
		d.errorf(w.Range, "%q is no name of a %s; a command line with arguments stands in quotes", w.Text, what)
		return false
	}
	*to = w.Text
	return true
}

// settleUser gives a command that names no user that of script_user.
func (d *decoder) settleUser(c *Program) {
	if len(c.Words) > 0 && c.User == "" {
		c.User, c.Group = d.global.script.User, d.global.script.Group
	}
}

// weight reads "weight NUMBER [reverse]" of what is tracked.
func (d *decoder) weight(n *keepalived.Node, bound int, to *Tracked) {
	if n.Broken || len(n.Args) == 0 || !d.trackWeight(n.Args[0], bound, &to.Weight) {
		return
	}
	if len(n.Args) > 1 {
		if w := n.Args[1]; w.Text != "reverse" {
			d.errorf(w.Range, "Unknown keyword %q behind weight; write weight NUMBER [reverse]", w.Text)
			return
		}
		to.Reverse = true
	}
}

// named reads the name of something that is defined by a block, and what that says of its weight.
func (d *decoder) named(keyword string, w keepalived.Word, to *Tracked) bool {
	use, ok := d.trackers[keyword][w.Text]
	if !ok {
		hint := ""
		if near := keepalived.Nearest(w.Text, slices.Sorted(maps.Keys(d.trackers[keyword]))); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		d.errorf(w.Range, "There is no %s %q%s", keyword, w.Text, hint)
		return false
	}
	to.Name, to.Weight, to.Reverse = use.Name, use.Weight, use.Reverse
	return true
}
