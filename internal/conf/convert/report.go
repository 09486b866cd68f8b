package convert

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// Verdict says what became of a word.
type Verdict int

// What becomes of a word: it means the same; it means the same or nearly so, and Text says what
// to know; it is left out; it is a mistake which the program that read it so far bore in silence.
const (
	Same Verdict = iota
	Different
	Ignored
	Mistake
)

// Note is one line of the report: what became of one word at one place.
type Note struct {
	Verdict Verdict
	Word    string // as it is written; empty for a Mistake
	Text    string // how it is different, why it is ignored, what is wrong; empty for Same
	At      hcl.Range
}

type report struct{ notes []Note }

func (r *report) add(v Verdict, at hcl.Range, word, format string, args ...any) {
	r.notes = append(r.notes, Note{v, word, fmt.Sprintf(format, args...), at})
}

// WriteReport writes what became of the words: those that mean the same in one paragraph, then the
// different ones, the ignored ones and the mistakes, each with its place. Words that stand in
// several places are written once, with their number.
func (r *Result) WriteReport(w io.Writer) error {
	var b strings.Builder
	same := counted(r.Notes, Same)
	if len(same) > 0 {
		var words []string
		for _, c := range same {
			words = append(words, c.note.Word+times(c.count))
		}
		slices.Sort(words)
		b.WriteString(wrap("same: "+strings.Join(words, ", "), 96))
	}
	for _, part := range []struct {
		verdict Verdict
		title   string
	}{{Different, "different"}, {Ignored, "ignored"}, {Mistake, "mistakes and warnings"}} {
		found := counted(r.Notes, part.verdict)
		if len(found) == 0 {
			continue
		}
		b.WriteString(part.title + ":\n")
		for _, c := range found {
			word := c.note.Word
			if word != "" {
				word += times(c.count) + ": "
			}
			fmt.Fprintf(&b, "  %s: %s%s\n", place(c.note.At), word, c.note.Text)
		}
	}
	_, err := io.WriteString(w, strings.Map(visible, b.String()))
	return err
}

// visible keeps a file from sending control sequences to a terminal.
func visible(r rune) rune {
	if r != '\n' && !unicode.IsPrint(r) {
		return unicode.ReplacementChar
	}
	return r
}

func place(r hcl.Range) string {
	return fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d)", n)
}

type count struct {
	note  Note // the first
	count int
}

// counted puts the notes of a verdict together that say the same of the same word, in the order of
// the files. Mistakes stand each for itself.
func counted(notes []Note, v Verdict) []*count {
	type identity struct {
		word, text string
		at         hcl.Range
	}
	files := map[string]int{}
	found := map[identity]*count{}
	var list []*count
	for _, n := range notes {
		if n.Verdict != v {
			continue
		}
		if _, known := files[n.At.Filename]; !known {
			files[n.At.Filename] = len(files)
		}
		id := identity{word: n.Word, text: n.Text}
		if v == Mistake {
			id.at = n.At
		}
		if found[id] == nil {
			found[id] = &count{note: n}
			list = append(list, found[id])
		}
		found[id].count++
	}
	slices.SortStableFunc(list, func(a, b *count) int {
		return cmp.Or(cmp.Compare(files[a.note.At.Filename], files[b.note.At.Filename]),
			cmp.Compare(a.note.At.Start.Line, b.note.At.Start.Line))
	})
	return list
}

// wrap breaks a text at blanks, and sets the lines after the first in by two.
func wrap(text string, width int) string {
	var b strings.Builder
	column := 0
	for k, word := range strings.Split(text, ", ") {
		switch {
		case k > 0 && column+len(word) > width:
			b.WriteString(",\n  ")
			column = 2
		case k > 0:
			b.WriteString(", ")
			column += 2
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String() + "\n"
}

// note reports of a word of keepalived what is different about it.
func (k *tree) note(n *keepalived.Node) {
	verdict, text := Same, ""
	switch {
	case n.Name != n.Keyword.Text:
		verdict, text = Different, "written as "+n.Name+", the same by another name"
	case n.Name == "connect_timeout":
		verdict, text = Different, "bounds a whole probe; keepalived's starts again with every read"
	case n.Name == "delay_loop":
		verdict, text = Different, "counts from start to start of probes; keepalived waits that long after one ends"
	case (n.Name == "HTTP_GET" || n.Name == "SSL_GET") && urls(n) > 1:
		verdict, text = Different, "every url is asked each delay_loop; keepalived asks one of them"
	}
	k.report.add(verdict, n.Keyword.Range, n.Keyword.Text, "%s", text)
}

func urls(n *keepalived.Node) int {
	count := 0
	for _, c := range n.Children {
		if c.Name == "url" {
			count++
		}
	}
	return count
}
