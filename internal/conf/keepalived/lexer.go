package keepalived

import (
	"bytes"
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
	fault string // what is wrong with the word itself, if anything
}

// lexer cuts a file into tokens. It is a small value: a copy of it is a place to return to.
type lexer struct {
	file           string
	src            []byte
	off, line, col int
}

const byteOrderMark = "\xef\xbb\xbf"

func newLexer(file string, src []byte) lexer {
	l := lexer{file: file, src: src, line: 1, col: 1}
	if bytes.HasPrefix(src, []byte(byteOrderMark)) {
		l.off = len(byteOrderMark)
	}
	return l
}

func (l *lexer) pos() hcl.Pos { return hcl.Pos{Line: l.line, Column: l.col, Byte: l.off} }

// rangeFrom is the range from start to where the lexer stands.
func (l *lexer) rangeFrom(start hcl.Pos) hcl.Range {
	return hcl.Range{Filename: l.file, Start: start, End: l.pos()}
}

// take moves over n bytes of the current line and returns them.
func (l *lexer) take(n int) string {
	text := string(l.src[l.off : l.off+n])
	l.off += n
	l.col += utf8.RuneCountInString(text)
	return text
}

// rest is what is left of the current line, without its line end.
func (l *lexer) rest() []byte {
	rest := l.src[l.off:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }

func (l *lexer) skipBlanks() {
	for l.off < len(l.src) && blank(l.src[l.off]) {
		l.off++
		l.col++
	}
}

func (l *lexer) next() token {
	l.skipBlanks()
	start := l.pos()
	if l.off == len(l.src) {
		return token{kind: endToken, rng: l.rangeFrom(start)}
	}
	switch c := l.src[l.off]; c {
	case '\n':
		end := hcl.Range{Filename: l.file, Start: start, End: start}
		l.off++
		l.line++
		l.col = 1
		return token{kind: newlineToken, rng: end}
	case '{', '}':
		t := token{kind: openToken, text: l.take(1), rng: l.rangeFrom(start)}
		if c == '}' {
			t.kind = closeToken
		}
		return t
	case '#', '!':
		text := strings.TrimRight(string(l.rest()), " \t\r\v\f")
		l.take(len(text))
		return token{kind: commentToken, text: text, rng: l.rangeFrom(start)}
	case '"':
		return l.quoted()
	}
	return l.bare()
}

// quoted reads a word in double quotes. A quote that is not closed on its line takes the rest of
// the line.
func (l *lexer) quoted() token {
	start := l.pos()
	t := token{kind: wordToken}
	rest := l.rest()
	if end := bytes.IndexByte(rest[1:], '"'); end >= 0 {
		t.text = l.take(end + 2)[1 : end+1]
	} else {
		t.text = strings.TrimRight(l.take(len(rest))[1:], "\r")
		t.fault = `This quote is not closed; write another " at the end of the word`
	}
	t.rng = l.rangeFrom(start)
	return t.checked()
}

// bare reads a word without quotes. A backslash takes the meaning from a # or ! behind it.
func (l *lexer) bare() token {
	start := l.pos()
	rest := l.rest()
	end := 0
	escaped := false
	for end < len(rest) && !blank(rest[end]) && !strings.ContainsRune(`{}"#!`, rune(rest[end])) {
		if rest[end] == '\\' && end+1 < len(rest) && (rest[end+1] == '#' || rest[end+1] == '!') {
			escaped = true
			end++
		}
		end++
	}
	t := token{kind: wordToken, text: l.take(end), rng: l.rangeFrom(start)}
	if escaped {
		t.text = strings.NewReplacer(`\#`, `#`, `\!`, `!`).Replace(t.text)
	}
	return t.checked()
}

func (t token) checked() token {
	switch {
	case t.fault != "":
	case !utf8.ValidString(t.text):
		t.fault = "This word is not valid UTF-8; save the file as UTF-8"
	case strings.ContainsFunc(t.text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		t.fault = "This word holds a control character; remove it"
	}
	return t
}

// lineWord takes the rest of the line as one word, up to a comment: an include's pattern, in which
// braces are alternatives.
func (l *lexer) lineWord() (Word, bool) {
	l.skipBlanks()
	start := l.pos()
	if l.off < len(l.src) && l.src[l.off] == '"' {
		t := l.quoted()
		return Word{Text: t.text, Range: t.rng}, t.fault == "" && t.text != ""
	}
	rest := l.rest()
	if end := bytes.IndexAny(rest, "#!"); end >= 0 {
		rest = rest[:end]
	}
	text := l.take(len(bytes.TrimRight(rest, " \t\r\v\f")))
	return Word{Text: text, Range: l.rangeFrom(start)}, text != ""
}
