package director

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestEveryEventHasALine: the constants of type Event and the keys of lines are the same.
func TestEveryEventHasALine(t *testing.T) {
	constants := eventConstants(t)
	all := lines()
	var named, lined []string
	for _, value := range constants {
		named = append(named, value)
	}
	for e, l := range all {
		lined = append(lined, string(e))
		if l.message == "" {
			t.Errorf("event %s has no message", e)
		}
	}
	slices.Sort(named)
	slices.Sort(lined)
	if len(named) < 30 {
		t.Fatalf("only %d constants found", len(named))
	}
	if diff := gocmp.Diff(named, lined); diff != "" {
		t.Errorf("constants and lines differ (-constants +lines):\n%s", diff)
	}
	if twice := slices.Compact(slices.Clone(named)); len(twice) != len(named) {
		t.Errorf("two constants have one name: %v", named)
	}
	wellFormed := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, name := range named {
		if !wellFormed.MatchString(name) {
			t.Errorf("event %q: names are words in lower case with underscores", name)
		}
	}
}

// TestEveryEventIsUsed: an event that nothing reports is none.
func TestEveryEventIsUsed(t *testing.T) {
	used := map[string]bool{}
	for name, file := range sources(t) {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); name == "events.go" && ok && f.Name.Name == "lines" {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				if _, constants := n.(*ast.ValueSpec); constants && name == "events.go" {
					return false
				}
				if id, ok := n.(*ast.Ident); ok {
					used[id.Name] = true
				}
				return true
			})
		}
	}
	for name := range eventConstants(t) {
		if !used[name] {
			t.Errorf("event %s is never reported", name)
		}
	}
}

// TestOnlyTheJournalLogs: nothing but events.go writes to zap's log.
func TestOnlyTheJournalLogs(t *testing.T) {
	fields := fieldConstructors()
	for name, file := range sources(t) {
		if name == "events.go" {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "zap" {
				// Types may be named; of functions, those that make fields.
				if !slices.Contains(fields, s.Sel.Name) && s.Sel.Name != "Field" && s.Sel.Name != "Logger" {
					t.Errorf("%s uses zap.%s", name, s.Sel.Name)
				}
			}
			if s.Sel.Name == "log" || s.Sel.Name == "Log" && !isNewJournal(file, s) {
				t.Errorf("%s uses the log itself: %s", name, s.Sel.Name)
			}
			return true
		})
	}
}

// isNewJournal tells whether the log is only handed to newJournal there.
func isNewJournal(file *ast.File, s *ast.SelectorExpr) bool {
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "newJournal" && slices.Contains(call.Args, ast.Expr(s)) {
			found = true
		}
		return true
	})
	return found
}

func fieldConstructors() []string {
	return []string{"Bool", "Duration", "Error", "Int", "String", "Stringer", "Stringers", "Strings", "Time", "Uint8"}
}

// TestEventsAreDocumented: docs/events.md has a row for every event, with its level, and no
// other rows.
func TestEventsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for e, l := range lines() {
		want[string(e)] = l.level.String()
	}
	if diff := gocmp.Diff(want, documented(t, string(text))); diff != "" {
		t.Errorf("events.go and docs/events.md differ (-events.go +docs):\n%s", diff)
	}
}

// documented are the levels by event of the tables in a text: a row has the name in backticks in
// its first cell, and one of the levels as another.
func documented(t *testing.T, text string) map[string]string {
	rows := map[string]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		name := strings.TrimSpace(cells[0])
		if !strings.HasPrefix(line, "|") || len(name) < 3 || name[0] != '`' || name[len(name)-1] != '`' {
			continue
		}
		name = strings.Trim(name, "`")
		if _, twice := rows[name]; twice {
			t.Errorf("event %s is documented twice", name)
		}
		rows[name] = ""
		for _, cell := range cells[1:] {
			if cell = strings.Trim(strings.TrimSpace(cell), "`"); slices.Contains([]string{"debug", "info", "warn", "error"}, cell) {
				rows[name] = cell
			}
		}
	}
	return rows
}

// eventConstants are the values of the constants of type Event by their names, as the source
// has them.
func eventConstants(t *testing.T) map[string]string {
	constants := map[string]string{}
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Event" {
				return true
			}
			for i, name := range spec.Names {
				value, err := strconv.Unquote(spec.Values[i].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				constants[name.Name] = value
			}
			return true
		})
	}
	return constants
}

// sources are the parsed files of the package by name, without its tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[name], err = parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Contains(slices.Collect(maps.Keys(files)), "events.go") {
		t.Fatal("the sources are not here")
	}
	return files
}
