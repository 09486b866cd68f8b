package convert

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// sources are the lines of the files, for what stands around a statement.
type sources map[string][][]byte

func newSources(files map[string]*hcl.File) sources {
	s := sources{}
	for name, f := range files {
		s[name] = bytes.Split(f.Bytes, []byte("\n"))
	}
	return s
}

// line returns a line of a file without its blanks; lines count from 1.
func (s sources) line(file string, n int) []byte {
	lines := s[file]
	if n < 1 || n > len(lines) {
		return nil
	}
	return bytes.TrimSpace(lines[n-1])
}

// gap says whether a blank line stands before the one that a range begins on.
func (s sources) gap(at hcl.Range) bool {
	return at.Start.Line > 1 && len(s.line(at.Filename, at.Start.Line-1)) == 0
}

// behindBrace says whether a comment stands on the line of a closing brace, as in "} # web".
func (s sources) behindBrace(c keepalived.Comment) bool {
	line := s.line(c.Range.Filename, c.Range.Start.Line)
	return len(line) > 0 && line[0] == '}'
}

// texts writes comments, and keeps the blank lines between them. Comments about a statement that is
// ignored go with it.
func (k *tree) texts(comments []keepalived.Comment) []string {
	var all []string
	for _, c := range comments {
		if k.aboutIgnored(c) {
			continue
		}
		if len(all) > 0 && k.gap(c.Range) {
			all = append(all, "")
		}
		all = append(all, comment(c.Text))
	}
	return all
}

// aboutIgnored says whether a comment stands behind a statement that is ignored, or on the lines
// right above it.
func (k *tree) aboutIgnored(c keepalived.Comment) bool {
	at := position{c.Range.Filename, c.Range.Start.Line}
	for k.isComment(at) {
		at.line++
	}
	return k.ignored[at]
}

// isComment says whether a line is a comment and nothing else.
func (k *tree) isComment(at position) bool {
	line := k.line(at.file, at.line)
	return len(line) > 0 && (line[0] == '#' || line[0] == '!')
}

// position is a line of a file.
type position struct {
	file string
	line int
}
