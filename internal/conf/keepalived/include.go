package keepalived

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds on includes.
const (
	maxIncludeDepth = 32
	maxIncludes     = 4096
	maxAlternatives = 256
)

// include parses the files that the pattern behind an include names, in the place of the
// statement. A path is relative to the file that names it. A pattern that matches nothing is
// fine, as it is for keepalived; a plain name must be there.
func (p *parser) include(in *keyword, first token) []*Node {
	pattern, ok := p.lineWord()
	if !ok {
		p.errorf(first.rng, `"include" needs the name of a file; write include PATH`)
		return nil
	}
	if p.from == nil {
		p.errorf(pattern.Range, "A file cannot be included here")
		return nil
	}
	var nodes []*Node
	all := alternatives(pattern.Text)
	if all == nil {
		p.errorf(pattern.Range, "This pattern stands for more than %d names; write fewer alternatives", maxAlternatives)
	}
	for _, alternative := range all {
		nodes = append(nodes, p.includeMatches(in, pattern, alternative)...)
	}
	return nodes
}

func (p *parser) includeMatches(in *keyword, written Word, pattern string) []*Node {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(p.lexer.file), pattern)
	}
	matches := []string{pattern}
	if strings.ContainsAny(pattern, `*?[`) {
		found, err := filepath.Glob(pattern)
		if err != nil {
			p.errorf(written.Range, "%q is no pattern of file names: %v", written.Text, err)
			return nil
		}
		slices.Sort(found)
		matches = slices.DeleteFunc(found, isDirectory)
	}
	var nodes []*Node
	for _, path := range matches {
		if p.full() {
			break
		}
		if cause := p.refused(path); cause != "" {
			p.errorf(written.Range, "Include of %s: %s", path, cause)
			continue
		}
		p.files++
		src, err := p.from.Read(path)
		if err != nil {
			p.errorf(written.Range, "Include of %s: %v", path, err)
			continue
		}
		nodes = append(nodes, p.file(path, src, in)...)
	}
	return nodes
}

// refused says why a file may not be included here; "" is that it may.
func (p *parser) refused(path string) string {
	switch {
	case p.files >= maxIncludes:
		return "too many files; at most 4096 are included"
	case len(p.open) > maxIncludeDepth:
		return "too deep; at most 32 files include one another"
	}
	for _, open := range p.open {
		if sameFile(open, path) {
			return "it includes itself, by way of " + strings.Join(p.open, ", ")
		}
	}
	return ""
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// alternatives expands the {a,b} of a pattern, one after the other; nil is that they are too many.
func alternatives(pattern string) []string {
	todo, done := []string{pattern}, []string(nil)
	for len(todo) > 0 {
		if len(todo)+len(done) > maxAlternatives {
			return nil
		}
		next := todo[0]
		todo = todo[1:]
		end := strings.IndexByte(next, '}')
		start := -1
		if end >= 0 {
			start = strings.LastIndexByte(next[:end], '{')
		}
		if start < 0 {
			done = append(done, next)
			continue
		}
		for _, choice := range strings.Split(next[start+1:end], ",") {
			todo = append(todo, next[:start]+choice+next[end+1:])
		}
	}
	return done
}
