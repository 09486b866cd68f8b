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

// texts writes comments, and keeps the blank lines between them. A comment behind a statement that
// is ignored goes with it.
func (k *tree) texts(comments []keepalived.Comment) []string {
	var all []string
	for n, c := range comments {
		if k.ignored[position{c.Range.Filename, c.Range.Start.Line}] {
			continue
		}
		if n > 0 && k.gap(c.Range) {
			all = append(all, "")
		}
		all = append(all, comment(c.Text))
	}
	return all
}

// position is a line of a file.
type position struct {
	file string
	line int
}
