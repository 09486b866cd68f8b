package conf

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// maxShown is how much of a line is shown, in characters.
const maxShown = 120

// WriteDiagnostics writes every diagnostic as compilers do: "file:line:column: error: …", the
// line of the source and carets under what it is about.
func (r *Result) WriteDiagnostics(w io.Writer, color bool) error {
	p := printer{files: r.Files, color: color}
	for _, d := range r.Diags {
		p.diagnostic(d)
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

type printer struct {
	out   strings.Builder
	files map[string]*hcl.File
	color bool
}

// paint wraps a text in an SGR sequence of ECMA-48.
func (p *printer) paint(sgr, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

func (p *printer) diagnostic(d *hcl.Diagnostic) {
	word, sgr := "error", "1;31"
	if d.Severity == hcl.DiagWarning {
		word, sgr = "warning", "1;33"
	}
	_, secret := d.Extra.(secretLine)
	p.place(*d.Subject, word, sgr, message(d), !secret)
	for _, r := range RelatedTo(d) {
		p.place(r.Range, "note", "1;36", r.Text, true)
	}
}

// secretLine is the Extra of a diagnostic about a line with a secret in it.
type secretLine struct{}

// place writes what is to be said of a place, and, if it may be shown, its line and the carets.
func (p *printer) place(at hcl.Range, word, sgr, text string, show bool) {
	fmt.Fprintf(&p.out, "%s %s %s\n", p.paint("1", visible(place(at))+":"), p.paint(sgr, word+":"), visible(text))
	if line, ok := p.sourceLine(at); ok && show {
		shown, carets := underline(line, at)
		fmt.Fprintf(&p.out, "%6d | %s\n       | %s\n", at.Start.Line, shown, p.paint(sgr, carets))
	}
}

// withSecret is a line that may have a password or a key in it, as far as one can tell from the line: by
// its words, or because it looks as a key and its number do, alone on a line.
var withSecret = regexp.MustCompile(`(^|["'\s])\d{1,3}\s+[^\s"']{16}|auth_pass|password|auth_hmac|hex:|\bkey\b\W+\d+\W+\S{16}|^\s*key\s+\d+\s|(?i)^\s*\$\w*(pass|pw|key|secret)\w*\s*=`)

// sourceLine returns the line on which a range starts, without its line end.
func (p *printer) sourceLine(r hcl.Range) ([]byte, bool) {
	f := p.files[r.Filename]
	if f == nil || r.Start.Byte > len(f.Bytes) {
		return nil, false
	}
	start := bytes.LastIndexByte(f.Bytes[:r.Start.Byte], '\n') + 1
	line := f.Bytes[start:]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	if withSecret.Match(line) {
		return nil, false // a terminal's log, or a CI's, is no place for a password
	}
	return bytes.TrimRight(line, "\r"), true
}

// underline returns a line as it can be shown, and the carets that stand under the range. The
// blanks before the carets repeat the tabs of the line, so that they stand right at any width.
func underline(line []byte, r hcl.Range) (string, string) {
	text := strings.TrimPrefix(string(line), "\ufeff")
	first := max(r.Start.Column-1, 0)
	count := utf8.RuneCountInString(text) - first
	if r.End.Line == r.Start.Line {
		count = min(count, r.End.Column-r.Start.Column)
	}
	from := 0
	if first > maxShown*3/4 {
		from = first - maxShown/2
	}
	var shown, carets strings.Builder
	if from > 0 {
		shown.WriteString("…")
		carets.WriteByte(' ')
	}
	column := 0
	for _, c := range text {
		switch {
		case column < from:
		case column >= from+maxShown:
			shown.WriteString("…")
			return shown.String(), orOne(carets.String())
		default:
			shown.WriteRune(printable(c))
			mark(&carets, c, column, first, count)
		}
		column++
	}
	return shown.String(), orOne(carets.String())
}

// mark writes below one character: its own width in blanks before the range, in carets within.
func mark(carets *strings.Builder, c rune, column, first, count int) {
	switch {
	case column >= first+max(count, 1):
	case column >= first:
		carets.WriteString(strings.Repeat("^", width(c)))
	case c == '\t':
		carets.WriteByte('\t')
	default:
		carets.WriteString(strings.Repeat(" ", width(c)))
	}
}

// orOne adds the caret of a range that stands behind the end of the line.
func orOne(carets string) string {
	if strings.Contains(carets, "^") {
		return carets
	}
	return carets + "^"
}

// width is how many columns a terminal gives to a character.
func width(c rune) int {
	switch {
	case unicode.In(c, unicode.Mn, unicode.Me):
		return 0
	case unicode.In(c, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana):
		return 2
	}
	return 1
}

// printable keeps a file from sending control sequences to a terminal.
func printable(c rune) rune {
	if c != '\t' && !unicode.IsPrint(c) {
		return '\ufffd'
	}
	return c
}

func visible(text string) string { return strings.Map(printable, text) }
