package convert

import (
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// word is one word of a file of blank-separated words, without its quotes.
type word struct {
	text string
	at   hcl.Range
}

// line is one line that says something. A backslash at its end continues it.
type line struct {
	words []word
	lead  []string // the comments before it
}

// at is the place of the whole line.
func (l *line) at() hcl.Range { return hcl.RangeBetween(l.words[0].at, l.words[len(l.words)-1].at) }

// scan cuts a file of heartbeat or a script of ipvsadm commands into lines.
func scan(path string, src []byte) []line {
	var lines []line
	var open line
	offset := 0
	number := 0
	for text := range strings.Lines(string(src)) {
		number++
		start := hcl.Pos{Line: number, Column: 1, Byte: offset}
		offset += len(text)
		text = strings.TrimRight(text, " \t\r\n")
		body, continued := strings.CutSuffix(text, `\`)
		words, remark := scanLine(path, start, body)
		open.words = append(open.words, words...)
		if remark != "" {
			open.lead = append(open.lead, comment(remark))
		}
		if continued {
			continue
		}
		if len(open.words) > 0 {
			lines = append(lines, open)
			open = line{}
		}
	}
	if len(open.words) > 0 {
		lines = append(lines, open)
	}
	return lines
}

// scanLine cuts one line; a word that begins with # begins a comment.
func scanLine(path string, at hcl.Pos, text string) (words []word, remark string) {
	for text != "" {
		trimmed := strings.TrimLeft(text, " \t\r\v\f")
		at = forward(at, text[:len(text)-len(trimmed)])
		text = trimmed
		if text == "" || text[0] == '#' {
			return words, text
		}
		end := strings.IndexAny(text, " \t\r\v\f")
		if end < 0 {
			end = len(text)
		}
		if q := text[0]; q == '"' || q == '\'' {
			if close := strings.IndexByte(text[1:], q); close >= 0 {
				end = close + 2
			}
		}
		after := forward(at, text[:end])
		w := word{text[:end], hcl.Range{Filename: path, Start: at, End: after}}
		if n := len(w.text); n > 1 && (w.text[0] == '"' || w.text[0] == '\'') && w.text[n-1] == w.text[0] {
			w.text = w.text[1 : n-1]
		}
		words = append(words, w)
		text, at = text[end:], after
	}
	return words, ""
}

func forward(at hcl.Pos, text string) hcl.Pos {
	at.Byte += len(text)
	at.Column += utf8.RuneCountInString(text)
	return at
}
