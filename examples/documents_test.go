package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../docs/*.md")
	if err != nil || len(found) < 4 {
		t.Fatalf("documents: %v, %v", found, err)
	}
	return append(found, "../README.md")
}

// anchor is what a heading is called in a link, as GitHub makes it.
func anchor(heading string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(heading)), " ", "-")
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	for _, path := range documents(t) {
		for _, l := range link.FindAllStringSubmatch(read(t, path), -1) {
			target := filepath.Join(filepath.Dir(path), l[1])
			if l[1] == "" {
				target = path
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if l[2] == "" {
				continue
			}
			there := false
			for _, h := range heading.FindAllStringSubmatch(read(t, target), -1) {
				there = there || anchor(h[1]) == l[2]
			}
			if !there {
				t.Errorf("%s: %s has no heading for #%s", path, target, l[2])
			}
		}
	}
}

func TestMakeHasTheTargetsThatAreNamed(t *testing.T) {
	makefile := read(t, "../Makefile")
	named := regexp.MustCompile(`(?m)(?:^[#$] |` + "`" + `)make ([a-z-]+)`)
	count := 0
	for _, path := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(read(t, path), -1) {
			count++
			if !regexp.MustCompile(`(?m)^` + m[1] + `:`).MatchString(makefile) {
				t.Errorf("%s names make %s, which the Makefile does not have", path, m[1])
			}
		}
	}
	if count < 8 {
		t.Errorf("only %d targets were found", count)
	}
}

// Each path of the source that architecture.md names in backticks or as a file in a table is there.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	text := read(t, "../docs/architecture.md")
	for _, p := range regexp.MustCompile("`((?:cmd|internal)/[a-z/_.]+)`").FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("..", p[1])); err != nil {
			t.Error(err)
		}
	}
	row := regexp.MustCompile("(?m)^\\| `(internal/[a-z/]+)` \\| (.*) \\|$")
	for _, r := range row.FindAllStringSubmatch(text, -1) {
		for _, file := range regexp.MustCompile(`[a-z_]+\.go`).FindAllString(r[2], -1) {
			if _, err := os.Stat(filepath.Join("..", r[1], file)); err != nil {
				t.Error(err)
			}
		}
	}
}
