package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"
)

// Match is what a text has to match. Its zero value is matched by anything.
type Match struct {
	// Expression is in the syntax of Go's regexp package, which is RE2's; empty is none.
	Expression string
	// Unwanted turns it round: the text must not match (regex_no_match).
	Unwanted bool
	// UTF8 says that the text is UTF-8. Otherwise each byte of it is a character of its own, U+0000
	// to U+00FF.
	UTF8 bool
	// Min and Max are the offsets in bytes at which a match may start (regex_min_offset,
	// regex_max_offset). Max 0 is no bound.
	Min, Max int
}

func (m Match) words() []Word {
	utf := ""
	if m.UTF8 {
		utf = "utf"
	}
	return []Word{{Name: "regex", Value: m.Expression}, {Name: "regex_no_match", Value: flag(m.Unwanted)}, {Name: "regex_options", Value: utf},
		{Name: "regex_min_offset", Value: number(m.Min)}, {Name: "regex_max_offset", Value: number(m.Max)}}
}

// maxExpressions bounds the compiled expressions that are kept.
const maxExpressions = 1000

// expressions are compiled expressions, kept from one probe to the next.
type expressions struct {
	mu       sync.Mutex
	compiled map[string]*regexp.Regexp
}

func (e *expressions) compile(text string) (*regexp.Regexp, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.compiled[text]; r != nil {
		return r, nil
	}
	r, err := regexp.Compile(text)
	if err != nil {
		return nil, &fault{op: "compile regex", cause: err}
	}
	if len(e.compiled) >= maxExpressions || e.compiled == nil {
		e.compiled = map[string]*regexp.Regexp{}
	}
	e.compiled[text] = r
	return r, nil
}

// match reads as much of a text as it takes, and says what is unwanted about it; "" is nothing.
func (e *expressions) match(m Match, text io.Reader) (unwanted string, err error) {
	r, err := e.compile(m.Expression)
	if err != nil {
		return "", err
	}
	if _, err := io.CopyN(io.Discard, text, int64(m.Min)); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	runes := &runeReader{text: bufio.NewReader(text), utf8: m.UTF8}
	at := r.FindReaderIndex(runes)
	if runes.err != nil {
		return "", runes.err
	}
	if m.Min+runes.read > maxBody {
		return "", errLongBody
	}
	found := at != nil && (m.Max == 0 || m.Min+at[0] <= m.Max)
	switch {
	case found && m.Unwanted:
		return fmt.Sprintf("body matches regex %q", m.Expression), nil
	case !found && !m.Unwanted:
		return fmt.Sprintf("body does not match regex %q", m.Expression), nil
	}
	return "", nil
}

// heard reads until what was said matches, or nothing more comes. Unlike match it looks no further than
// that: whoever said it may wait for an answer.
func (e *expressions) heard(m Match, text io.Reader) (unwanted string, err error) {
	said := make([]byte, 0, 4<<10)
	for {
		n, ended := text.Read(said[len(said):cap(said)])
		said = said[:len(said)+n]
		unwanted, err = e.match(m, bytes.NewReader(said))
		switch {
		case err != nil || unwanted == "":
			return "", err
		case errors.Is(ended, io.EOF):
			return unwanted, nil
		case ended != nil:
			return "", ended
		}
		said = slices.Grow(said, 1)
	}
}

// runeReader reads the characters of a text, and remembers what went wrong.
type runeReader struct {
	text *bufio.Reader
	utf8 bool
	read int
	err  error
}

func (r *runeReader) ReadRune() (c rune, size int, err error) {
	if r.utf8 {
		c, size, err = r.text.ReadRune()
	} else {
		var b byte
		b, err = r.text.ReadByte()
		c, size = rune(b), 1
	}
	if err != nil {
		if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			r.err = err
		}
		return 0, 0, io.EOF
	}
	r.read += size
	return c, size, nil
}
