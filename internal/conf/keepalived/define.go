package keepalived

import "strings"

// lead deals with what may stand at the begin of a line before it is a statement: a condition, a
// definition, a loop. It returns what is left of the line; ok is false where nothing is.
func (s *stream) lead(pieces []piece) (left []piece, ok bool) {
	for {
		for len(pieces) > 0 {
			p := &pieces[0]
			for p.from < p.to && blank(p.in.text[p.from]) {
				p.from++
			}
			if p.from < p.to {
				break
			}
			pieces = pieces[1:]
		}
		if len(pieces) == 0 {
			return nil, false
		}
		p := pieces[0]
		switch text := p.text(); {
		case text[0] == '@':
			if !s.holds(&pieces[0]) {
				return nil, false
			}
			if pieces[0].from == p.from {
				return pieces, true
			}
		case text[0] == '~' && loopName(text) != "":
			s.loop(pieces)
			return nil, false
		case text[0] == '$' && isDefinition(text):
			s.define(pieces)
			return nil, false
		case text[0] == '$':
			// What a name stands for may itself be a condition or a loop.
			r := s.reference(p, p.from)
			if r.value == nil || len(r.value.lines) == 0 || p.depth >= maxNesting {
				return pieces, true
			}
			first := r.value.lines[0]
			if len(r.value.lines) == 1 && (first.text() == "" || strings.IndexByte("@~$", first.text()[0]) < 0) {
				return pieces, true
			}
			if s.x.over(&s.x.replaced, 1, maxReplaced) {
				s.x.tooMuch(s.use(pieces), maxReplaced, "replacements")
				return nil, false
			}
			first.by, first.depth, first.tail = s.usedBy(p, r), p.depth+1, p.behind(r.end)
			p.from = r.end
			behind := append([]piece{p}, pieces[1:]...)
			if len(r.value.lines) > 1 {
				s.frames = append(s.frames, &bodyLines{lines: r.value.lines, by: first.by, depth: first.depth, suffix: behind})
				return nil, false
			}
			pieces = append([]piece{first}, behind...)
		default:
			return pieces, true
		}
	}
}

// holds reads @NAME or @^NAME and moves behind it. Alone, an @ is no condition.
func (s *stream) holds(p *piece) bool {
	text := p.text()
	end := strings.IndexAny(text, " \t\r\v\f")
	if end < 0 {
		end = len(text)
	}
	name, negated := strings.CutPrefix(text[1:end], "^")
	if name == "" {
		return true
	}
	p.from += end
	return (name == s.x.instance) != negated
}

// isDefinition says whether a line that begins with a $ is $NAME=VALUE.
func isDefinition(text string) bool {
	n := nameLength(text[1:])
	return n > 0 && n+1 < len(text) && text[n+1] == '='
}

// define stores $NAME=VALUE. With a backslash at its end the value goes on in the next line, up to
// one without or an empty one; the first line counts only where something stands behind the =.
func (s *stream) define(pieces []piece) {
	p := pieces[0]
	n := nameLength(p.text()[1:])
	name := p.text()[1 : n+1]
	value := p
	value.from, value.by, value.depth, value.tail = p.from+n+2, nil, 0, 0
	var d definition
	value, more := value.continued()
	if value.from < value.to || !more {
		d.lines = append(d.lines, value)
	}
	for more && p.by == nil {
		if !s.fileLine() {
			s.x.errorf(p.in.rangeOf(p.from, p.to), "The file ends within the definition of $%s; end its last line without a backslash", name)
			break
		}
		in := s.line
		next := piece{in: &in, to: commentStart(in.text)}
		if strings.TrimSpace(next.text()) == "" {
			break
		}
		next, more = next.continued()
		d.lines = append(d.lines, next)
	}
	if len(d.lines) == 0 {
		d.lines = append(d.lines, value)
	}
	s.x.names[name] = &d
}

// continued is a piece without the blanks around it and the backslash that says that the next line
// goes on with it.
func (p piece) continued() (_ piece, more bool) {
	trim := func() {
		for p.to > p.from && blank(p.in.text[p.to-1]) {
			p.to--
		}
	}
	for p.from < p.to && blank(p.in.text[p.from]) {
		p.from++
	}
	trim()
	if more = p.to > p.from && p.in.text[p.to-1] == '\\'; more {
		p.to--
		trim()
	}
	return p, more
}
