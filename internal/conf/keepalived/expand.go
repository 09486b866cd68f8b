package keepalived

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Bounds on what definitions and loops may make of a file.
const (
	maxNesting   = 64        // definitions used within one another
	maxExpanded  = 2_000_000 // lines
	maxReplaced  = 4_000_000 // names replaced by what they stand for
	maxMadeBytes = 128 << 20 // of text
)

// expander knows what names stand for. It is one for all files of a configuration.
type expander struct {
	instance string
	names    map[string]*definition
	asked    map[string]bool // names that were complained of
	report   func(hcl.DiagnosticSeverity, hcl.Range, string, ...any)

	lines, replaced, bytes int
	spent                  bool // a bound is reached: nothing more is read
}

// definition is what a name stands for: text as it is written, in which names are replaced when it
// is used, or a value that was made.
type definition struct {
	lines []piece // none is that value is it
	value string
}

// piece is a part of a source line, before the names in it are replaced.
type piece struct {
	in       *sourceLine
	from, to int
	by       *expansion // nil is that the line is the file's own
	depth    int        // of definitions around it
	tail     byte       // what stands behind it in the text that it is put into; 0 is the end of the line
}

func (p piece) text() string { return p.in.text[p.from:p.to] }

// output is a line as it is built, and the room that it is built in.
type output struct {
	text     []byte
	segments []segment
	todo     []piece
}

func (o *output) copy(p piece, from, to int) {
	if from < to {
		o.segments = append(o.segments, segment{at: len(o.text), in: p.in, off: from, from: p.by})
		o.text = append(o.text, p.in.text[from:to]...)
	}
}

// process makes the current line of pieces; false is that they make none. comment is the comment
// behind them.
func (s *stream) process(pieces []piece, comment string) bool {
	if len(s.frames) > 0 && s.x.over(&s.x.lines, 1, maxExpanded) {
		s.x.tooMuch(s.use(pieces), maxExpanded, "lines")
		return false
	}
	pieces, ok := s.lead(pieces)
	if !ok {
		return false
	}
	o := &s.output
	o.text, o.segments = o.text[:0], o.segments[:0]
	rest, ok := s.expand(o, pieces)
	if !ok {
		return false
	}
	if s.x.over(&s.x.bytes, len(o.text), maxMadeBytes) {
		s.x.tooMuch(s.use(pieces), maxMadeBytes, "bytes")
		return false
	}
	if len(o.text) > maxLine {
		s.x.errorf(s.use(pieces), "The definitions in this line make %d bytes of it; a line has at most %d", len(o.text), maxLine)
		return false
	}
	s.comment = len(o.text)
	if comment != "" {
		o.segments = append(o.segments, segment{at: len(o.text), in: pieces[len(pieces)-1].in, off: len(pieces[len(pieces)-1].in.text) - len(comment)})
		o.text = append(o.text, comment...)
	}
	s.text, s.segments, s.off, s.ended = string(o.text), o.segments, 0, false
	if len(o.segments) == 0 {
		s.segments = append(o.segments, segment{in: pieces[0].in, off: pieces[0].from, from: pieces[0].by})
	}
	s.frames = append(s.frames, rest...)
	return true
}

// use is where the text of pieces is used in the file.
func (s *stream) use(pieces []piece) hcl.Range {
	for _, p := range pieces {
		if p.by != nil {
			return p.by.use
		}
	}
	if len(pieces) > 0 {
		return pieces[0].in.rangeOf(pieces[0].from, pieces[0].to)
	}
	return s.line.rangeOf(0, 0)
}

func (x *expander) errorf(at hcl.Range, format string, args ...any) {
	x.report(hcl.DiagError, at, format, args...)
}

// over adds to what definitions and loops have made, and says whether it is too much.
func (x *expander) over(counter *int, more, most int) bool {
	*counter += more
	return *counter > most
}

// tooMuch ends the reading of all files.
func (x *expander) tooMuch(at hcl.Range, most int, what string) {
	if !x.spent {
		x.spent = true
		x.errorf(at, "Definitions and loops make more than %d %s; nothing behind this is read", most, what)
	}
}

// endless reports a definition that is used within itself, and gives up what it makes.
func (s *stream) endless(p piece, name string) {
	s.frames = nil
	s.x.errorf(s.use([]piece{p}), "%s stands for itself, by way of other definitions or not", name)
}

// expand replaces the names in pieces. A name that stands for several lines ends the line with the
// first of them; rest then has the others, with what stood behind the name at the end of the last.
func (s *stream) expand(o *output, pieces []piece) (rest []frame, ok bool) {
	todo := o.todo[:0]
	defer func() { o.todo = todo }()
	for k := len(pieces) - 1; k >= 0; k-- {
		todo = append(todo, pieces[k])
	}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		at := strings.IndexByte(p.text(), '$')
		if at < 0 {
			o.copy(p, p.from, p.to)
			continue
		}
		at += p.from
		o.copy(p, p.from, at)
		r := s.reference(p, at)
		behind := p
		behind.from = r.end
		if behind.from < behind.to {
			todo = append(todo, behind)
		}
		if r.value == nil {
			o.copy(p, at, r.end)
			continue
		}
		if p.depth >= maxNesting {
			s.endless(p, r.name)
			return nil, false
		}
		if s.x.over(&s.x.replaced, 1, maxReplaced) {
			s.x.tooMuch(s.use([]piece{p}), maxReplaced, "replacements")
			return nil, false
		}
		by := s.usedBy(p, r)
		if r.value.lines == nil {
			if r.value.value != "" {
				o.segments = append(o.segments, segment{at: len(o.text), in: p.in, off: at, span: r.end - at, from: by})
				o.text = append(o.text, r.value.value...)
			}
			continue
		}
		first := r.value.lines[0]
		first.by, first.depth, first.tail = by, p.depth+1, p.behind(r.end)
		if len(r.value.lines) == 1 {
			todo = append(todo, first)
		} else {
			suffix := make([]piece, 0, len(todo))
			for k := len(todo) - 1; k >= 0; k-- {
				suffix = append(suffix, todo[k])
			}
			rest = append(rest, &bodyLines{lines: r.value.lines[1:], by: by, depth: p.depth + 1, suffix: suffix})
			todo = append(todo[:0], first)
		}
		if len(o.text) > maxLine {
			break // and process says so
		}
	}
	return rest, true
}

// usedBy is the use of a name in the file: that of the definition around it, if there is one.
func (s *stream) usedBy(p piece, r reference) *expansion {
	if p.by != nil {
		return p.by
	}
	return &expansion{name: r.name, use: p.in.rangeOf(r.start, r.end)}
}

// behind is the byte behind an offset of a piece, in the text that it is put into.
func (p piece) behind(off int) byte {
	if off < p.to {
		return p.in.text[off]
	}
	return p.tail
}

// reference is a name behind a $, or the $ alone where it names nothing.
type reference struct {
	name       string // with its $
	start, end int
	value      *definition // nil is that it stays as it is
}

// reference reads what stands at a $: $NAME with a blank, comma, parenthesis or nothing behind it,
// or ${NAME}. A name that is not defined stays as it is.
func (s *stream) reference(p piece, at int) reference {
	text := p.in.text[:p.to]
	r := reference{name: "$", start: at, end: at + 1}
	braces := strings.HasPrefix(text[at+1:], "{")
	start := at + 1
	if braces {
		start++
	}
	end := start + nameLength(text[start:])
	if end == start {
		return r
	}
	name := text[start:end]
	parameters := ""
	if braces {
		closing := strings.IndexByte(text[end:], '}')
		if closing < 0 {
			return r
		}
		parameters = strings.TrimSpace(text[end : end+closing])
		if parameters != "" && !blank(text[end]) {
			return r
		}
		end += closing + 1
	}
	r.name, r.end = "$"+name, end
	where := p.in.rangeOf(at, end)
	if name[0] == '_' && s.x.names[name] == nil {
		r.value = &definition{value: s.predefined(name, parameters, where)}
		return r
	}
	value := s.x.names[name]
	terminated := braces || strings.IndexByte("\x00 \t\r\v\f,)", p.behind(end)) >= 0
	switch {
	case value == nil:
		s.x.once(name, where, "$%s is not defined; it stays as it is written", name)
	case !terminated:
		s.x.once(name+"{", where, "$%s is not replaced here, as a letter stands right behind it; write ${%s}", name, name)
	case parameters != "":
		s.x.once(name+" ", where, "${%s %s} stays as it is written: only names of keepalived's own take words behind them", name, parameters)
	default:
		r.value = value
	}
	return r
}

// once warns of a name one time.
func (x *expander) once(key string, at hcl.Range, format string, args ...any) {
	if !x.asked[key] {
		x.asked[key] = true
		x.report(hcl.DiagWarning, at, format, args...)
	}
}

func nameLength(text string) int {
	n := 0
	for n < len(text) && (text[n] == '_' || text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z' || n > 0 && text[n] >= '0' && text[n] <= '9') {
		n++
	}
	return n
}

// predefined is the value of a name of keepalived's own, or the name where it has none.
func (s *stream) predefined(name, parameters string, at hcl.Range) string {
	cause := ""
	switch name {
	case "_PWD":
		dir, err := filepath.Abs(filepath.Dir(s.file))
		if err == nil {
			return dir
		}
		cause = fmt.Sprintf("has no value: %v", err)
	case "_INSTANCE":
		return s.x.instance
	case "_HASH":
		return "#"
	case "_BANG":
		return "!"
	case "_ENV":
		value, ok := os.LookupEnv(parameters)
		switch {
		case strings.ContainsAny(value, "\n\x00"):
			cause = fmt.Sprintf("stands for %s, whose value has more than one line", parameters)
		case ok:
			return value
		default:
			cause = fmt.Sprintf("needs a variable of the environment behind it that is set, not %q", parameters)
		}
	case "_RANDOM":
		cause = "would make the file mean something else each time it is read; write the number"
	default:
		cause = "is no name of keepalived's own, which are _PWD, _INSTANCE, _ENV, _HASH, _BANG; begin yours with a letter"
	}
	s.x.errorf(at, "$%s %s", name, cause)
	return name
}
