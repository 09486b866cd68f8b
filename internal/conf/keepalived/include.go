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

// check says which patterns of an include have to name a file, beyond those without wildcards,
// which always have to.
type check struct {
	pattern  bool // the pattern as a whole
	wildcard bool // each wildcard pattern
	brace    bool // each alternative of a pattern in braces
}

// includes says whether a word is one of the include family, and what it asks of patterns.
func includes(first token) (check, bool) {
	if !strings.HasPrefix(first.text, "include") || first.rng.End.Byte-first.rng.Start.Byte != len(first.text) {
		return check{}, false
	}
	switch first.text {
	case "include", "includer":
		return check{}, true
	case "includem":
		return check{pattern: true}, true
	case "includew":
		return check{wildcard: true}, true
	case "includeb":
		return check{brace: true}, true
	case "includea":
		return check{true, true, true}, true
	}
	return check{}, false
}

// include parses the files that the pattern behind an include names, in the place of the
// statement. A path is relative to the file that names it. A pattern may match nothing, as it may
// for keepalived, unless the word says otherwise; a plain name must be there.
func (p *parser) include(in *keyword, first token, c check) []*Node {
	pattern, ok := p.lineWord()
	if !ok {
		p.errorf(first.rng, "%q needs the name of a file; write %s PATH", first.text, first.text)
		return nil
	}
	if p.from == nil {
		p.errorf(pattern.rng, "A file cannot be included here")
		return nil
	}
	p.includes = true
	all := alternatives(pattern.text)
	if all == nil {
		p.errorf(pattern.rng, "This pattern stands for more than %d names; write fewer alternatives", maxAlternatives)
		return nil
	}
	var paths []string
	for _, alternative := range all {
		matches, ok := p.matches(pattern, alternative)
		if ok && len(matches) == 0 && (c.wildcard || c.brace && len(all) > 1) {
			p.errorf(pattern.rng, "No file matches %s, and %s needs one", alternative, first.text)
		}
		paths = append(paths, matches...)
	}
	if c.pattern && !c.wildcard && len(paths) == 0 {
		p.errorf(pattern.rng, "No file matches %s, and %s needs one", pattern.text, first.text)
	}
	var nodes []*Node
	for _, path := range paths {
		if p.full() || p.x.spent {
			break
		}
		if cause := p.refused(path); cause != "" {
			p.errorf(pattern.rng, "Include of %s: %s", path, cause)
			continue
		}
		p.files++
		src, err := p.from.Read(path)
		if err != nil {
			p.errorf(pattern.rng, "Include of %s: %v", path, err)
			continue
		}
		nodes = append(nodes, p.file(path, string(src), in)...)
	}
	return nodes
}

// matches are the files that a pattern without alternatives names; ok is false where it is wrong.
func (p *parser) matches(written token, pattern string) (paths []string, ok bool) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(p.stream.file), pattern)
	}
	if !strings.ContainsAny(pattern, `*?[`) {
		return []string{pattern}, true
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		p.errorf(written.rng, "%q is no pattern of file names: %v", written.text, err)
		return nil, false
	}
	slices.Sort(found)
	return slices.DeleteFunc(found, isDirectory), true
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
