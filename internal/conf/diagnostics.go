package conf

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// OneLine is a diagnostic for a log: "file:line:column: summary: detail".
func OneLine(d *hcl.Diagnostic) string {
	if d.Subject == nil {
		return message(d)
	}
	return visible(fmt.Sprintf("%s: %s", place(*d.Subject), message(d)))
}

// message is what a diagnostic says, in one line: behind the first, HCL has examples or the stack
// of a function that panicked.
func message(d *hcl.Diagnostic) string {
	detail, _, _ := strings.Cut(d.Detail, "\n")
	if detail == "" {
		return d.Summary
	}
	return d.Summary + ": " + detail
}

func place(r hcl.Range) string {
	return fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
}

// maxProblems bounds the errors and the warnings that are told of a configuration, each.
const maxProblems = 1000

// tooMany says in the place of all further problems that there are more.
func tooMany(severity hcl.DiagnosticSeverity, at hcl.Range) *hcl.Diagnostic {
	kind := "warnings"
	if severity == hcl.DiagError {
		kind = "errors"
	}
	return problem(severity, at, "More than %d %s; correct those above first", maxProblems, kind)
}

// capped leaves out what is too much for a person to read.
func capped(diags hcl.Diagnostics) hcl.Diagnostics {
	told := map[hcl.DiagnosticSeverity]int{}
	kept := diags[:0]
	for _, d := range diags {
		told[d.Severity]++
		switch n := told[d.Severity]; {
		case n <= maxProblems:
			kept = append(kept, d)
		case n == maxProblems+1:
			kept = append(kept, tooMany(d.Severity, *d.Subject))
		}
	}
	return kept
}

// tidy puts diagnostics in the order of the text, file by file in the order of first or else as they
// come up, and drops those
// that say the same of the same place: HCL reports a failing expression twice, and once for each
// round of a dynamic block.
func tidy(diags hcl.Diagnostics, first []source) hcl.Diagnostics {
	type identity struct {
		severity        hcl.DiagnosticSeverity
		summary, detail string
		at              hcl.Range
	}
	seen := map[identity]bool{}
	files := map[string]int{}
	for i, s := range first {
		files[s.path] = i
	}
	var kept hcl.Diagnostics
	for _, d := range diags {
		if d.Subject == nil {
			start := hcl.Range{Start: hcl.InitialPos, End: hcl.InitialPos}
			if d.Context != nil {
				start = *d.Context
			}
			d.Subject = &start
		}
		id := identity{d.Severity, d.Summary, d.Detail, *d.Subject}
		if seen[id] {
			continue
		}
		seen[id] = true
		if _, known := files[d.Subject.Filename]; !known {
			files[d.Subject.Filename] = len(files)
		}
		kept = append(kept, d)
	}
	slices.SortStableFunc(kept, func(a, b *hcl.Diagnostic) int {
		return cmp.Or(
			cmp.Compare(files[a.Subject.Filename], files[b.Subject.Filename]),
			cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte),
		)
	})
	return capped(kept)
}
