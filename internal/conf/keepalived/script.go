package keepalived

import "strings"

// scriptWord reads a word of a keyword that takes a command line, as a shell would: quotes of both
// kinds begin and end within a word, and a backslash takes the meaning from any character or
// stands for one that cannot be typed (keepalived.conf(5), Quoted strings). ok is false where no
// word stands next on the line.
func (s *stream) scriptWord() (t token, ok bool) {
	for s.off < len(s.text) && blank(s.text[s.off]) {
		s.off++
	}
	start := s.off
	if start == len(s.text) || s.brace(start) || s.comments(start) {
		return token{}, false
	}
	var word strings.Builder
	quote := byte(0)
scan:
	for s.off < len(s.text) {
		c := s.text[s.off]
		switch {
		case c == '\\':
			s.off++
			s.escape(&word)
			continue
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (blank(c) || s.brace(s.off) || s.comments(s.off)):
			break scan
		default:
			word.WriteByte(c)
		}
		s.off++
	}
	t = s.made(wordToken, start, s.off)
	t.text = word.String()
	if quote != 0 {
		t.fault = "This quote is not closed; write another " + string(quote) + " at the end of the word"
	}
	return t, true
}

// brace says whether a brace of the configuration stands at an offset.
func (s *stream) brace(at int) bool {
	return !s.command && (s.text[at] == '{' || s.text[at] == '}')
}

// SplitCommand splits a command line at its blanks, as a word that takes one is read in
// keepalived.conf. fault says what is wrong with it, and what to write; it is empty where nothing
// is.
func SplitCommand(line string) (words []string, fault string) {
	s := &stream{text: line, line: sourceLine{text: line, ascii: true}, comment: len(line), command: true}
	for {
		t, ok := s.scriptWord()
		if !ok {
			return words, ""
		}
		if t.fault != "" {
			return nil, t.fault
		}
		words = append(words, t.text)
	}
}

// escape writes the character for which what stands behind a backslash is written.
func (s *stream) escape(word *strings.Builder) {
	if s.off == len(s.text) {
		word.WriteByte('\\')
		return
	}
	c := s.text[s.off]
	s.off++
	switch c {
	case 'a':
		word.WriteByte('\a')
	case 'b':
		word.WriteByte('\b')
	case 'E':
		word.WriteByte(0x1b)
	case 'f':
		word.WriteByte('\f')
	case 'n':
		word.WriteByte('\n')
	case 'r':
		word.WriteByte('\r')
	case 't':
		word.WriteByte('\t')
	case 'v':
		word.WriteByte('\v')
	case 'c':
		if s.off < len(s.text) {
			word.WriteByte(s.text[s.off] & 0x1f)
			s.off++
		}
	case 'x':
		word.WriteByte(s.digits(16, len(s.text)))
	case '0', '1', '2', '3', '4', '5', '6', '7':
		s.off--
		word.WriteByte(s.digits(8, 3))
	default:
		word.WriteByte(c)
	}
}

// digits reads at most so many digits of a base, and keeps the low eight bits.
func (s *stream) digits(base byte, most int) byte {
	var v byte
	for n := 0; n < most && s.off < len(s.text); n++ {
		d := strings.IndexByte("0123456789abcdef", s.text[s.off]|0x20)
		if s.text[s.off] < '0' || d < 0 || d >= int(base) {
			break
		}
		v = v*base + byte(d)
		s.off++
	}
	return v
}

// splitCommand makes of a command line that stands in quotes, as one word, its words.
func (p *parser) splitCommand(n *Node) {
	if len(n.Args) != 1 {
		return
	}
	whole := n.Args[0]
	words, fault := SplitCommand(whole.Text)
	if fault != "" {
		p.errorf(whole.Range, "%s", fault)
		n.Broken = true
		return
	}
	if len(words) > 0 {
		n.Args = nil
	}
	for _, text := range words {
		n.Args = append(n.Args, Word{Text: text, Range: whole.Range})
	}
}

// splitNotify makes of the first word its command line, and of those behind it the child "user".
func (p *parser) splitNotify(n *Node) {
	if behind := n.Args[1:]; len(behind) > 0 {
		at := behind[0].Range
		n.Children = []*Node{{Name: "user", Keyword: Word{Text: "user", Range: at}, Args: behind, Range: at}}
	}
	n.Args = n.Args[:1:1]
	p.splitCommand(n)
}
