package keepalived

import (
	"fmt"
	"strconv"
	"strings"
)

// maxRounds bounds one loop.
const maxRounds = 1_000_000

// frame has lines for the stream before its file goes on.
type frame interface {
	// next returns the pieces of the next line; more is false behind the last.
	next(s *stream) (pieces []piece, more bool)
}

// bodyLines are lines of a definition.
type bodyLines struct {
	lines  []piece
	by     *expansion
	depth  int
	suffix []piece // what stood behind the name
}

func (b *bodyLines) next(*stream) ([]piece, bool) {
	if len(b.lines) == 0 {
		return nil, false
	}
	line := b.lines[0]
	b.lines = b.lines[1:]
	line.by, line.depth = b.by, b.depth
	if len(b.lines) > 0 {
		return []piece{line}, true
	}
	if len(b.suffix) > 0 {
		line.tail = b.suffix[0].behind(b.suffix[0].from)
	}
	return append([]piece{line}, b.suffix...), true
}

// rounds repeat the rest of a line, each time with other values of some names.
type rounds struct {
	names  []string
	values func(round int) []string // nil behind the last
	round  int
	line   []piece
}

func (r *rounds) next(s *stream) ([]piece, bool) {
	values := r.values(r.round)
	if values == nil {
		return nil, false
	}
	r.round++
	for k, name := range r.names {
		s.x.names[name] = &definition{value: values[k]}
	}
	return append([]piece(nil), r.line...), true
}

// loopName is the word before the parenthesis of a loop; "" is that the text begins none.
func loopName(text string) string {
	for _, name := range []string{"~SEQx", "~SEQ", "~LST"} {
		if strings.HasPrefix(text, name+"(") {
			return name
		}
	}
	return ""
}

// loop begins the rounds of ~SEQ(NAME,[START,[STEP,]]END), ~SEQx, which counts in hexadecimal, or
// ~LST({NAMES},{VALUES},…).
func (s *stream) loop(pieces []piece) {
	p := pieces[0]
	name := loopName(p.text())
	end := strings.IndexByte(p.text(), ')')
	at := s.use(pieces)
	if p.by == nil {
		at = p.in.rangeOf(p.from, p.to)
		if end >= 0 {
			at = p.in.rangeOf(p.from, p.from+end+1)
		}
	}
	if end < 0 {
		s.x.errorf(at, `%s is not closed; write ")" behind its words`, name)
		return
	}
	var o output
	words := p
	words.from, words.to, words.tail = p.from+len(name)+1, p.from+end, ')'
	if rest, ok := s.expand(&o, []piece{words}); !ok || len(rest) > 0 {
		if ok {
			s.x.errorf(at, "A name in the parentheses of %s stands for several lines; write a value", name)
		}
		return
	}
	p.from += end + 1
	line := append([]piece{p}, pieces[1:]...)
	r := &rounds{line: line}
	var problem string
	if name == "~LST" {
		problem = r.list(string(o.text))
	} else {
		problem = r.sequence(string(o.text), name == "~SEQx")
	}
	if problem != "" {
		s.x.errorf(at, "%s", problem)
		return
	}
	s.frames = append(s.frames, r)
}

// sequence reads the words of ~SEQ and says what is wrong with them.
func (r *rounds) sequence(text string, hexadecimal bool) string {
	words := strings.Split(text, ",")
	for k := range words {
		words[k] = strings.TrimSpace(words[k])
	}
	if len(words) < 2 || len(words) > 4 || !isName(words[0]) {
		return fmt.Sprintf("~SEQ takes a name and one to three numbers, not %q; write ~SEQ(NAME, START, STEP, END)", text)
	}
	numbers := make([]int64, len(words)-1)
	for k, w := range words[1:] {
		v, err := strconv.ParseInt(w, 0, 32)
		if err != nil {
			return fmt.Sprintf("~SEQ counts in whole numbers of at most 32 bits, not %q", w)
		}
		numbers[k] = v
	}
	end := numbers[len(numbers)-1]
	start, step := int64(1), int64(1)
	if end < 0 {
		start = -1
	}
	if len(numbers) > 1 {
		start = numbers[0]
	}
	if end < start {
		step = -1
	}
	if len(numbers) > 2 {
		step = numbers[1]
	}
	if step == 0 || (end-start)/step < 0 || end != start && (end > start) != (step > 0) {
		return fmt.Sprintf("~SEQ does not come from %d to %d in steps of %d", start, end, step)
	}
	count := int((end-start)/step) + 1
	if count > maxRounds {
		return fmt.Sprintf("~SEQ makes %d lines of this one; it makes at most %d", count, maxRounds)
	}
	base := 10
	if hexadecimal {
		base = 16
	}
	r.names = words[:1]
	r.values = func(round int) []string {
		if round >= count {
			return nil
		}
		return []string{strconv.FormatInt(start+int64(round)*step, base)}
	}
	return ""
}

// list reads the words of ~LST and says what is wrong with them.
func (r *rounds) list(text string) string {
	groups, ok := groups(text)
	if !ok || len(groups) < 2 {
		return fmt.Sprintf("~LST takes a name and values, or several of each in braces, not %q; write ~LST({A, B}, {1, 2}, {3, 4})", text)
	}
	r.names = groups[0]
	for _, name := range r.names {
		if !isName(name) {
			return fmt.Sprintf("%q is no name that ~LST can set; a name has letters, digits and _", name)
		}
	}
	for _, values := range groups[1:] {
		if len(values) != len(r.names) {
			return fmt.Sprintf("~LST has %d values in {%s} for the %d names in {%s}",
				len(values), strings.Join(values, ","), len(r.names), strings.Join(r.names, ","))
		}
	}
	r.values = func(round int) []string {
		if round+1 >= len(groups) {
			return nil
		}
		return groups[round+1]
	}
	return ""
}

// groups cuts text at its commas: single words and lists of words in braces.
func groups(text string) (all [][]string, ok bool) {
	for {
		text = strings.TrimLeft(text, " \t")
		var group []string
		if list, braced := strings.CutPrefix(text, "{"); braced {
			end := strings.IndexByte(list, '}')
			if end < 0 {
				return nil, false
			}
			group = strings.Split(list[:end], ",")
			text = strings.TrimLeft(list[end+1:], " \t")
			if text != "" && text[0] != ',' {
				return nil, false
			}
		} else {
			end := strings.IndexByte(text, ',')
			if end < 0 {
				end = len(text)
			}
			group, text = []string{text[:end]}, text[end:]
		}
		for k := range group {
			group[k] = strings.TrimSpace(group[k])
		}
		all = append(all, group)
		if text == "" {
			return all, true
		}
		text = text[1:]
	}
}

func isName(text string) bool { return text != "" && nameLength(text) == len(text) }
