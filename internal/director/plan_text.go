package director

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteText writes the plan for a person: a line for each entry, with what belongs to it below,
// then the consequences, then the numbers. An empty plan is an empty text.
func (p *Plan) WriteText(w io.Writer, color bool) error {
	if p.Empty() {
		return nil
	}
	t := planText{color: color}
	for _, e := range p.Global {
		t.entry(0, e)
	}
	t.blocks(p.Instances, slices.Concat(p.Addresses, p.Routes, p.Rules))
	t.blocks(p.SyncGroups, nil)
	t.blocks(p.Trackers, nil)
	t.blocks(p.Services, p.RealServers)
	t.blocks(p.Checks, nil)
	t.blocks(p.Sysctls, nil)
	t.blocks(p.Programs, nil)
	if len(p.Consequences) > 0 {
		t.line("")
		t.line("%s", t.paint("1", "Consequences:"))
	}
	for _, c := range p.Consequences {
		sgr := map[Severity]string{Disruption: "1;31", Warning: "1;33", Info: "1"}[c.Severity]
		t.line("  %s %s: %s", t.paint(sgr, string(c.Severity)+":"), c.Subject, c.Text)
	}
	t.line("")
	t.line("%d to add, %d to change, %d to remove.", p.Summary.Add, p.Summary.Change, p.Summary.Remove)
	_, err := io.WriteString(w, t.out.String())
	return err
}

type planText struct {
	out   strings.Builder
	color bool
}

func (t *planText) line(format string, values ...any) { fmt.Fprintf(&t.out, format+"\n", values...) }

// paint wraps a text in an SGR sequence of ECMA-48.
func (t *planText) paint(sgr, text string) string {
	if !t.color {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// blocks writes each parent with its children below. A parent that has changed children only
// stands there without a mark.
func (t *planText) blocks(parents, children []Entry) {
	below := map[string][]Entry{}
	var order []string
	known := map[string]bool{}
	for _, e := range parents {
		known[e.Name] = true
	}
	for _, c := range children {
		if below[c.In] == nil && !known[c.In] {
			order = append(order, c.In)
		}
		below[c.In] = append(below[c.In], c)
	}
	for _, e := range parents {
		t.entry(0, e)
		for _, c := range below[e.Name] {
			t.entry(1, c)
		}
	}
	for _, name := range order {
		t.line("    %s", name)
		for _, c := range below[name] {
			t.entry(1, c)
		}
	}
}

// entry writes what is changed below the entry, and what is new beside it.
func (t *planText) entry(depth int, e Entry) {
	indent := strings.Repeat("    ", depth)
	mark := map[Action]string{Added: t.paint("32", "+"), Changed: t.paint("33", "~"), Removed: t.paint("31", "-")}[e.Action]
	text := e.Name
	if e.Action == Added {
		var list []string
		for _, c := range e.Changes {
			list = append(list, c.Attribute+" "+c.To)
		}
		if len(list) > 0 {
			text += "  " + strings.Join(list, ", ")
		}
	}
	if e.Note != "" {
		text += "  (" + e.Note + ")"
	}
	t.line("%s  %s %s", indent, mark, text)
	if e.Action != Changed {
		return
	}
	for _, c := range e.Changes {
		switch {
		case c.From == "":
			t.line("%s      %s %s %s", indent, t.paint("32", "+"), c.Attribute, c.To)
		case c.To == "":
			t.line("%s      %s %s %s", indent, t.paint("31", "-"), c.Attribute, c.From)
		default:
			t.line("%s        %s %s → %s", indent, c.Attribute, c.From, c.To)
		}
	}
}
