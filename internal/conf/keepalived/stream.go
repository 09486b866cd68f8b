package keepalived

import (
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// stream is one file as the lines that its preprocessing makes of it. keepalived substitutes text
// line by line before it looks at words, so the words are cut from what comes out.
type stream struct {
	file string
	src  string
	rest int // offset of the next line of the file
	line sourceLine
	x    *expander

	frames []frame // what has more lines to give before the file goes on

	text     string
	segments []segment // where the text is from; nil is that it is line's
	comment  int       // where the text's comment begins; -1 is wherever its letters say
	off      int       // of the next token in text
	ended    bool      // the token for the end of the line was given
	command  bool      // the text is a command line alone, in which braces are letters

	output output
}

// sourceLine is a line of a file, without its line end.
type sourceLine struct {
	file   string
	number int // from 1
	start  int // offset in the file
	text   string
	ascii  bool
	// The offset whose column was asked for last, and that column from 0: the next is near.
	offset, column int
}

// segment is a part of a line's text, from the offset at to the next segment's. It is the text of
// in from off, or stands in the place of span bytes there.
type segment struct {
	at   int
	in   *sourceLine
	off  int
	span int // 0 is that the text is there letter by letter
	from *expansion
}

// expansion is one use of a name: the outermost one, in the text of a file.
type expansion struct {
	name string
	use  hcl.Range
}

const byteOrderMark = "\xef\xbb\xbf"

func newStream(file, src string, x *expander) *stream {
	s := &stream{file: file, src: src, x: x, comment: -1, ended: true}
	if strings.HasPrefix(src, byteOrderMark) {
		s.rest = len(byteOrderMark)
	}
	return s
}

func (l *sourceLine) pos(off int) hcl.Pos {
	p := hcl.Pos{Line: l.number, Byte: l.start + off, Column: off + 1}
	if !l.ascii {
		if off < l.offset {
			l.column -= utf8.RuneCountInString(l.text[off:l.offset])
		} else {
			l.column += utf8.RuneCountInString(l.text[l.offset:off])
		}
		l.offset = off
		p.Column = l.column + 1
	}
	return p
}

func (l *sourceLine) rangeOf(from, to int) hcl.Range {
	return hcl.Range{Filename: l.file, Start: l.pos(from), End: l.pos(to)}
}

func (s *stream) endOfFile() hcl.Pos {
	return s.line.pos(len(s.line.text))
}

// fileLine moves to the next line of the file.
func (s *stream) fileLine() bool {
	if s.rest > len(s.src) || s.rest == len(s.src) && s.line.number > 0 {
		return false
	}
	text, next := s.src[s.rest:], len(s.src)+1
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		text, next = text[:end], s.rest+end+1
	}
	s.line = sourceLine{file: s.file, number: s.line.number + 1, start: s.rest, text: text, ascii: isASCII(text)}
	s.rest = next
	return true
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// advance makes the next line the current one; false is the end of the file.
func (s *stream) advance() bool {
	for {
		if s.x.spent {
			s.frames, s.rest = nil, len(s.src)+1
			return false
		}
		if n := len(s.frames); n > 0 {
			pieces, more := s.frames[n-1].next(s)
			if !more {
				s.frames = s.frames[:n-1]
				continue
			}
			if s.process(pieces, "") {
				return true
			}
			continue
		}
		if !s.fileLine() {
			return false
		}
		end := 0
		if special(s.line.text) {
			end = commentStart(s.line.text)
		}
		if !special(s.line.text[:end]) {
			s.text, s.segments, s.comment, s.off, s.ended = s.line.text, nil, -1, 0, false
			return true
		}
		in := s.line
		if s.process([]piece{{in: &in, to: end}}, in.text[end:]) {
			return true
		}
	}
}

// special says whether a line may have something to substitute.
func special(text string) bool {
	for i := range len(text) {
		if c := text[i]; !blank(c) {
			return c == '@' || c == '~' || strings.IndexByte(text[i:], '$') >= 0
		}
	}
	return false
}

// place says where a part of the current line is written. What one definition or the file says
// whole is there; what is put together from several stands where the first of them is used.
func (s *stream) place(from, to int) (hcl.Range, *expansion) {
	if s.segments == nil {
		return s.line.rangeOf(from, to), nil
	}
	first, last := s.segmentAt(from), s.segmentAt(max(to-1, from))
	var by *expansion
	for k := first; k <= last && by == nil; k++ {
		by = s.segments[k].from
	}
	a, b := s.segments[first], s.segments[last]
	if start, end := a.origin(from, false), b.origin(to, true); a.in == b.in && start <= end {
		return a.in.rangeOf(start, end), by
	}
	r := a.outer(from, false)
	if end := b.outer(to, true); end.Filename == r.Filename {
		r.End = end.End
	}
	return r, by
}

// segmentAt is the index of the segment that holds the byte at an offset.
func (s *stream) segmentAt(off int) int {
	lo, hi := 0, len(s.segments)-1
	for lo < hi {
		if mid := (lo + hi + 1) / 2; s.segments[mid].at <= off {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// origin is the offset in the segment's source of an offset in the line's text.
func (g segment) origin(off int, end bool) int {
	switch {
	case g.span == 0:
		return g.off + off - g.at
	case end:
		return g.off + g.span
	}
	return g.off
}

// outer is the place of an offset in the text of the file that is read.
func (g segment) outer(off int, end bool) hcl.Range {
	if g.from != nil {
		return g.from.use
	}
	at := g.origin(off, end)
	return g.in.rangeOf(at, at)
}
