package director

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// programs compares what is run when something happens, by whom it is about.
func (p *planner) programs() {
	old, now := p.old.want.programs, p.new.want.programs
	all := maps.Clone(old)
	maps.Copy(all, now)
	byName := func(a, b call) int {
		return cmp.Or(strings.Compare(a.subject, b.subject), strings.Compare(a.word, b.word))
	}
	entries := map[string]*Entry{}
	var order []string
	for _, c := range slices.SortedFunc(maps.Keys(all), byName) {
		was, is := "", ""
		if before, there := old[c]; there {
			was = before.text()
		}
		if after, there := now[c]; there {
			is = after.text()
		}
		if was == is {
			continue
		}
		if entries[c.subject] == nil {
			entries[c.subject] = &Entry{Action: Changed, Name: "programs of " + c.subject}
			order = append(order, c.subject)
		}
		entries[c.subject].Changes = append(entries[c.subject].Changes, Change{c.word, was, is})
	}
	for _, subject := range order {
		p.plan.Programs = append(p.plan.Programs, *entries[subject])
	}
}

// text is a program as a plan prints it.
func (p program) text() string {
	if p.Line == "" {
		return "true"
	}
	text := p.Line.String()
	if who := strings.TrimSpace(p.User + " " + p.Group); who != "" {
		text += " as " + who
	}
	if p.Timeout != 0 {
		text += " within " + p.Timeout.String()
	}
	if p.Secure {
		text += ", if only root can write it"
	}
	return text
}
