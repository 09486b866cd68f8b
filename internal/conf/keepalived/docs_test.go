package keepalived

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of the documentation anew")

const document = "../../../docs/from-keepalived.md"

// documented are the sections of the document.
func documented(file *keyword) []section {
	service := file.find("virtual_server")
	server := service.find("real_server")
	get := server.find("HTTP_GET")
	sections := []section{
		{title: "Outside of blocks", blocks: []*keyword{file}},
		{title: "global_defs", blocks: []*keyword{file.find("global_defs")}},
		{title: "vrrp_sync_group", blocks: []*keyword{file.find("vrrp_sync_group")}},
		{title: "vrrp_instance", blocks: []*keyword{file.find("vrrp_instance")}},
		{title: "An address of virtual_ipaddress", blocks: []*keyword{{words: file.find("vrrp_instance").find("virtual_ipaddress").options}}},
		{title: "A route of static_routes or virtual_routes", blocks: []*keyword{{words: file.find("static_routes").options}}},
		{title: "A rule of static_rules or virtual_rules", blocks: []*keyword{{words: file.find("static_rules").options}}},
		{title: "An interface of track_interface", blocks: []*keyword{{words: file.find("vrrp_instance").find("track_interface").options}}},
		{title: "virtual_server", blocks: []*keyword{service}},
		{title: "Behind lb_kind", blocks: []*keyword{{words: service.find("lb_kind").options}}},
		{title: "real_server", blocks: []*keyword{server}},
	}
	inEach := map[string]bool{}
	for _, w := range addressWords() {
		inEach[w.name] = true
	}
	sections = append(sections, section{title: "Every checker with a socket", blocks: []*keyword{{words: addressWords()}}})
	for _, w := range server.words {
		if w.class == implemented && len(w.words) > 0 {
			sections = append(sections, section{title: w.name, blocks: []*keyword{w}, without: inEach})
		}
	}
	return append(sections, section{title: "url", blocks: []*keyword{get.find("url")}})
}

// section is a section of the document: a title, and the blocks whose words it lists.
type section struct {
	title  string
	blocks []*keyword
	// without are words that another section has; they are counted all the same.
	without map[string]bool
}

// title writes a keyword for a reader: its spellings, the values that are fine, its block's words.
// Words in common are left out.
func (k *keyword) title(common map[string]bool) string {
	text := "`" + k.name + "`"
	for _, a := range k.aliases {
		text += " (`" + a + "`)"
	}
	var inner []string
	for _, w := range k.words {
		if k.class != implemented && !common[w.name] {
			inner = append(inner, "`"+w.name+"`")
		}
	}
	if len(inner) > 0 {
		text += " with " + strings.Join(inner, ", ")
	}
	return text
}

// tally counts keywords by class, each once in a section; those inside of a block that is not
// implemented count as it does.
type tally map[class]int

func (c tally) add(k *keyword, of class) {
	if k.class != implemented {
		of = k.class
	}
	c[of]++
	if of != implemented {
		for _, w := range k.words {
			c.add(w, of)
		}
	}
}

// table writes the words of all sections.
func table(file *keyword) (string, tally) {
	var b strings.Builder
	all := tally{}
	common := map[string]bool{}
	for _, w := range checkerWords() {
		common[w.name] = true
	}
	for _, section := range documented(file) {
		fmt.Fprintf(&b, "### %s\n\n", section.title)
		seen := map[string]bool{}
		var mine, agree []string
		type reason struct{ verdict, why string }
		reasons := map[reason][]string{}
		var order []reason
		for _, block := range section.blocks {
			for _, k := range block.words {
				if seen[k.name] {
					continue
				}
				seen[k.name] = true
				if section.title != "Every checker with a socket" {
					all.add(k, implemented)
				}
				if section.without[k.name] && k.class == implemented {
					continue
				}
				switch {
				case k.class == implemented:
					mine = append(mine, k.title(common))
				case k.class == agreed:
					agree = append(agree, k.title(common))
				default:
					r := reason{verdict(k), k.why}
					if reasons[r] == nil {
						order = append(order, r)
					}
					reasons[r] = append(reasons[r], k.title(common))
				}
			}
		}
		if len(mine) > 0 {
			fmt.Fprintf(&b, "lvsd has %s.\n\n", strings.Join(mine, ", "))
		}
		if len(agree) > 0 {
			fmt.Fprintf(&b, "It does without being told: %s.\n\n", strings.Join(agree, ", "))
		}
		if len(order) > 0 {
			b.WriteString("| words | what happens | why, and what to do |\n|---|---|---|\n")
			for _, r := range order {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.Join(reasons[r], ", "), r.verdict, strings.ReplaceAll(r.why, "|", `\|`))
			}
			b.WriteString("\n")
		}
	}
	return b.String(), all
}

// verdict says what becomes of a keyword, and with which values it is accepted in silence.
func verdict(k *keyword) string {
	text := "ignored"
	if k.class == refused {
		text = "**refused**"
	}
	if len(k.same) == 0 {
		return text
	}
	values := slices.DeleteFunc(slices.Clone(k.same), func(v string) bool { return v == "" })
	return text + ", but for `" + strings.Join(values, "`, `") + "`"
}

// The tables of docs/from-keepalived.md are those of the keywords.
func TestDocumentHasEveryKeyword(t *testing.T) {
	file := newTable()
	words, counts := table(file)
	count := fmt.Sprintf("Of keepalived's words, each counted once for each block it may stand in, lvsd has %d, does %d without being told, "+
		"ignores %d with a warning, and refuses %d.\n", counts[implemented], counts[agreed], counts[ignored], counts[refused])
	replace(t, "counts", count)
	replace(t, "words", words)
}

// replace holds the part of the document between two marks to what it should be.
func replace(t *testing.T, mark, want string) {
	t.Helper()
	src, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	open, end := "<!-- "+mark+" -->\n", "<!-- end of "+mark+" -->\n"
	before, rest, ok := strings.Cut(string(src), open)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no marks %q", document, mark)
	}
	want = "\n" + strings.TrimRight(want, "\n") + "\n\n"
	if *update {
		if err := os.WriteFile(document, []byte(before+open+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs from the table of keywords; run go test -update\n%s", document, diff)
	}
}

// Every row of the table says what it has to: how to write it, and why it is not there.
func TestKeywordsAreWhole(t *testing.T) {
	seen := map[*keyword]bool{}
	var walk func(k *keyword, path string)
	walk = func(k *keyword, path string) {
		if seen[k] {
			return
		}
		seen[k] = true
		spelled := map[string]bool{}
		for _, w := range k.words {
			for _, s := range append([]string{w.name}, w.aliases...) {
				if spelled[s] {
					t.Errorf("%s has %s twice", path, s)
				}
				spelled[s] = true
			}
		}
		for _, w := range join(k.words, k.options) {
			at := path + " " + w.name
			if !strings.HasPrefix(w.usage, w.name) || w.name == "" {
				t.Errorf("%s: usage %q", at, w.usage)
			}
			if (w.class == ignored || w.class == refused) == (w.why == "") {
				t.Errorf("%s: class %d for %q", at, w.class, w.why)
			}
			if w.block != noBlock && w.lines == 0 && len(w.words) == 0 {
				t.Errorf("%s: a block that holds nothing", at)
			}
			if strings.HasSuffix(w.why, ".") || strings.Contains(w.why, "\n") {
				t.Errorf("%s: %q", at, w.why)
			}
			walk(w, at)
		}
	}
	walk(newTable(), "")
}
