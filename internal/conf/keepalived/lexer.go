package keepalived

import (
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

type kind uint8

const (
	wordToken kind = iota
	openToken
	closeToken
	newlineToken
	commentToken
	endToken
)

type token struct {
	kind  kind
	text  string
	rng   hcl.Range
	from  *expansion // what put the text into the line, if it is not written there
	fault string     // what is wrong with the word itself, if anything
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }

func trimBlanks(text string) string { return strings.TrimRight(text, " \t\r\v\f") }

// next cuts the next token off the current line, and goes on to the next line behind its last.
func (s *stream) next() token {
	for {
		for s.off < len(s.text) && blank(s.text[s.off]) {
			s.off++
		}
		if s.off < len(s.text) {
			return s.token()
		}
		if !s.ended {
			s.ended = true
			return token{kind: newlineToken}
		}
		if !s.advance() {
			end := s.endOfFile()
			return token{kind: endToken, rng: hcl.Range{Filename: s.file, Start: end, End: end}}
		}
	}
}

// made is a token of what stands between two offsets of the current line.
func (s *stream) made(k kind, from, to int) token {
	t := token{kind: k, text: s.text[from:to]}
	t.rng, t.from = s.place(from, to)
	return t
}

func (s *stream) token() token {
	start := s.off
	switch c := s.text[start]; {
	case c == '{':
		s.off++
		return s.made(openToken, start, s.off)
	case c == '}':
		s.off++
		return s.made(closeToken, start, s.off)
	case s.comments(start):
		s.off = len(s.text)
		return s.made(commentToken, start, len(trimBlanks(s.text)))
	case c == '"':
		return s.quoted()
	}
	return s.bare()
}

// comments says whether a comment begins at an offset.
func (s *stream) comments(off int) bool {
	if c := s.text[off]; c != '#' && c != '!' {
		return false
	}
	return s.comment < 0 || off == s.comment
}

const openQuote = `This quote is not closed; write another " at the end of the word`

// quoted reads a word in double quotes. A quote that is not closed on its line takes the rest of
// the line.
func (s *stream) quoted() token {
	start := s.off
	var text, fault string
	if end := strings.IndexByte(s.text[start+1:], '"'); end >= 0 {
		text = s.text[start+1 : start+1+end]
		s.off = start + end + 2
	} else {
		s.off = len(trimCR(s.text))
		text, fault = s.text[start+1:max(s.off, start+1)], openQuote
		s.off = max(s.off, start+1)
	}
	t := s.made(wordToken, start, s.off)
	t.text, t.fault = text, fault
	return t.checked()
}

func trimCR(text string) string { return strings.TrimRight(text, "\r") }

// bare reads a word without quotes. A backslash takes the meaning from a # or ! behind it.
func (s *stream) bare() token {
	start, end := s.off, s.off
	escaped := false
scan:
	for ; end < len(s.text); end++ {
		switch c := s.text[end]; c {
		case ' ', '\t', '\r', '\v', '\f', '{', '}', '"':
			break scan
		case '#', '!':
			if s.comments(end) {
				break scan
			}
		case '\\':
			if end+1 < len(s.text) && (s.text[end+1] == '#' || s.text[end+1] == '!') {
				escaped = true
				end++
			}
		}
	}
	s.off = end
	t := s.made(wordToken, start, end)
	if escaped {
		t.text = strings.NewReplacer(`\#`, `#`, `\!`, `!`).Replace(t.text)
	}
	return t.checked()
}

func (t token) checked() token {
	if t.fault == "" {
		t.fault = unfit(t.text)
	}
	return t
}

// unfit says what is wrong with the letters of a word; "" is nothing.
func unfit(text string) string {
	plain := true
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c >= 0x7f {
			plain = false
			break
		}
	}
	switch {
	case plain:
	case !utf8.ValidString(text):
		return "This word is not valid UTF-8; save the file as UTF-8"
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "This word holds a control character; remove it"
	}
	return ""
}

// lineWord takes the rest of the line as one word, up to a comment: an include's pattern, in which
// braces are alternatives.
func (s *stream) lineWord() (token, bool) {
	for s.off < len(s.text) && blank(s.text[s.off]) {
		s.off++
	}
	if s.off < len(s.text) && s.text[s.off] == '"' {
		t := s.quoted()
		return t, t.fault == "" && t.text != ""
	}
	start := s.off
	for s.off < len(s.text) && !s.comments(s.off) {
		s.off++
	}
	s.off = start + len(trimBlanks(s.text[start:s.off]))
	t := s.made(wordToken, start, s.off)
	return t, t.text != ""
}

// commentStart is where the comment of a line begins, or its length where it has none.
func commentStart(text string) int {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			quoted = !quoted
		case '\\':
			if !quoted && i+1 < len(text) && (text[i+1] == '#' || text[i+1] == '!') {
				i++
			}
		case '#', '!':
			if !quoted {
				return i
			}
		}
	}
	return len(text)
}
