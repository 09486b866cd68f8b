package keepalived

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// group is a file with a sync group, whose members are what lines stand for.
func group(before, lines string) string {
	return before + "\nvrrp_sync_group g {\ngroup {\n" + lines + "\n}\n}\n"
}

// members are the lines of the group in a file.
func members(t *testing.T, src string) (string, []string) {
	t.Helper()
	nodes, problems := parse(src)
	for _, n := range nodes {
		if n.Name == "vrrp_sync_group" {
			return outline(n.Children[0].Children), problems
		}
	}
	t.Fatalf("no group in\n%s", src)
	return "", nil
}

func TestExpansions(t *testing.T) {
	t.Setenv("LVSD_TEST_NODE", "from the environment")
	for _, c := range []struct{ name, before, lines, want string }{
		{"a name", "$A=x", "$A", "[x]"},
		{"within a word", "$A=x", "a${A}b${A}", "[axbx]"},
		{"behind a word", "$A=x", "a$A", "[ax]"},
		{"before a comma", "$A=x", "$A,b", "[x,b]"},
		{"in quotes", "$A=x y", `"a ${A} b"`, "[a x y b]"},
		{"blanks around a value", "$A= \tx \t", "$A", "[x]"},
		{"no value", "$A=", "a${A}b\n$A", "[ab]"},
		{"a comment ends a value", "$A=x # y", "$A", "[x]"},
		{"none in a comment", "$A=x", "y # $A", "[y]"},
		{"late binding", "$A=${B}1\n$B=x", "$A", "[x1]"},
		{"redefined", "$A=x", "$A\n$A=y\n$A", "[x] [y]"},
		{"of names", "$A=${B} ${B}\n$B=x", "a$A", "[ax]"},
		{"not defined", "", "pa$$ a$ $1 $(x)", "[pa$$]"},
		{"lines", "$A= \\\na \\\n  b\t\\\nc", "$A", "[a] [b] [c]"},
		{"lines within a line", "$A= \\\na \\\nb", "x$A\ny", "[xa] [b] [y]"},
		{"a value before lines", "$A=a \\\nb", "$A", "[a] [b]"},
		{"an empty line ends a value", "$A= \\\na \\\n\n$B=x", "$A\n$B", "[a] [x]"},
		{"comments in a value", "$A= \\ # 1\na \\ ! 2\nb # 3", "$A", "[a] [b]"},
		{"definitions within lines", "$A= \\\n$B=1 \\\n$C \\\n$B=2 \\\n$C\n$C=x${B}", "$A", "[x1] [x2]"},
		{"lines within lines", "$A= \\\n$B \\\ny\n$B= \\\na \\\nb", "$A", "[a] [b] [y]"},
		{"conditions", "", "@lb1 a\n@lb2 b\n@^lb1 c\n@^lb2 d\n  @lb1   e", "[a] [d] [e]"},
		{"conditions are case sensitive", "", "a\n@LB1 b", "[a]"},
		{"condition before a definition", "@lb1 $A=x\n@lb2 $A=y", "$A", "[x]"},
		{"condition by a name", "$L=@lb1\n$O=@lb2", "$L a\n$O b", "[a]"},
		{"conditions one after the other", "", "@lb1 @^lb2 a\n@lb1 @lb2 b", "[a]"},
		{"a name of its own", "", "${_INSTANCE}", "[lb1]"},
		{"signs", "", "a${_HASH}b${_BANG}c", "[a#b!c]"},
		{"the environment", "", `"${_ENV LVSD_TEST_NODE}"`, "[from the environment]"},
		{"sequence", "", "~SEQ(N,1,3) a$N", "[a1] [a2] [a3]"},
		{"sequence from one", "", "~SEQ(N, 2) a${N}", "[a1] [a2]"},
		{"sequence down", "", "~SEQ(N,1,-1) a${N}\n~SEQ(M,-2) b${M}", "[a1] [a0] [a-1] [b-1] [b-2]"},
		{"sequence in steps", "", "~SEQ(N, 0, 5, 14) a${N}\n~SEQ(M,9,-4,0) b${M}", "[a0] [a5] [a10] [b9] [b5] [b1]"},
		{"sequence of one", "", "~SEQ(N,7,7) a${N}", "[a7]"},
		{"hexadecimal", "", "~SEQx(N, 0x9e, 0xa1) fe80::${N}", "[fe80::9e] [fe80::9f] [fe80::a0] [fe80::a1]"},
		{"sequence up to a name", "$END=2", "~SEQ(N,1,$END) a${N}", "[a1] [a2]"},
		{"sequences within one another", "", "~SEQ(A,1,2) ~SEQ(B,$A,2) x${A}${B}", "[x11] [x12] [x22]"},
		{"sequence of lines", "$A= \\\na${N} \\\nb${N}", "~SEQ(N,1,2) $A", "[a1] [b1] [a2] [b2]"},
		{"sequence in a value", "$A= \\\n~SEQ(N,1,2) a${N} \\\nb", "$A", "[a1] [a2] [b]"},
		{"sequence by a name", "$LOOP=~SEQ(N,1,2)", "$LOOP a${N}", "[a1] [a2]"},
		{"sequence with a condition", "", "~SEQ(N,1,2) @lb1 a${N}\n@lb2 ~SEQ(N,1,2) b${N}", "[a1] [a2]"},
		{"sequence with a comment", "", "~SEQ(N,1,2) a${N} # b$N", "[a1] [a2]"},
		{"list", "", "~LST(N, a, b,c) x${N}", "[xa] [xb] [xc]"},
		{"list of several", "", "~LST({A, B}, {1,2},{3, 4}) x${A}-${B}", "[x1-2] [x3-4]"},
		{"list and sequence", "", "~LST(A, x, y) ~SEQ(B,1,2) ${A}${B}", "[x1] [x2] [y1] [y2]"},
		{"braces by a name", "", "a\n$END=}", "[a]"},
		{"an escaped sign", "$A=x", `a\#$A`, "[a#x]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, problems := members(t, group(c.before, c.lines))
			if got != c.want && !strings.HasPrefix(got, c.want+"[") {
				t.Errorf("%s, want %s", got, c.want)
			}
			for _, p := range problems {
				if !strings.Contains(p, "is not defined") && !strings.Contains(p, "Unexpected") {
					t.Error(p)
				}
			}
		})
	}
}

func TestExpansionsMakeBlocks(t *testing.T) {
	nodes, problems := parse("$SERVER= \\\nreal_server 10.0.0.${N} 80 { \\\nweight $W \\\n}\n$W=3\n" +
		"$OPEN=virtual_server 1.2.3.4 80 {\n$OPEN\n~SEQ(N,1,2) $SERVER\n}\n")
	want := "[virtual_server][1.2.3.4][80]{[real_server][10.0.0.1][80]{[weight][3]} [real_server][10.0.0.2][80]{[weight][3]}}"
	if got := outline(nodes); got != want || problems != nil {
		t.Errorf("%s %q", got, problems)
	}
}

// A problem in what a definition makes stands where a reader can put it right.
func TestExpansionsKeepPlaces(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"value", "$P=x y\nglobal_defs {\n router_id $P\n}", []string{`1:6-7: Unexpected "y" at the end of the line; write router_id NAME: in the expansion of $P at f:3:12`}},
		{"line", "$B= \\\n  bad \\\nvrrp_version 3\nglobal_defs {\n  $B\n}", []string{`2:3-6: Unknown keyword "bad": in the expansion of $B at f:5:3`}},
		{"part of a word", "$B=ba\nglobal_defs {\n ${B}d\n}", []string{`3:2-7: Unknown keyword "bad": in the expansion of $B at f:3:2`}},
		{"part of a word in a value", "$B= \\\n x${C}y\n$C=1\n$B", []string{`2:2-8: Unknown keyword "x1y": in the expansion of $B at f:4:1`}},
		{"two values in a word", "$B=a\n$C=b\n$B$C\n${B}${C}", []string{
			`3:1-3: $B is not replaced here, as a letter stands right behind it; write ${B}`,
			`3:1-5: Unknown keyword "$Bb": in the expansion of $C at f:3:3`,
			`4:1-9: Unknown keyword "ab": in the expansion of $B at f:4:1`}},
		{"words of two values", "$B=b d\n$C=c\nglobal_defs {\nrouter_id a $C ${B}x\n}",
			[]string{`2:4-5: Unexpected "c b dx" at the end of the line; write router_id NAME: in the expansion of $C at f:4:13`}},
		{"loop", "~SEQ(N,1,2) bad${N}", []string{`1:13-20: Unknown keyword "bad1": in the expansion of $N at f:1:16`, `1:13-20: Unknown keyword "bad2": in the expansion of $N at f:1:16`}},
		{"letters of several bytes", "$Ä=x\n$B=größe bäd\nvrrp_instance $B", []string{
			`1:1-5: Unknown keyword "$Ä=x"`,
			`2:10-13: Unexpected "bäd" at the end of the line; write vrrp_instance NAME { … }: in the expansion of $B at f:3:15`,
			`3:1-17: "vrrp_instance" needs a block; write vrrp_instance NAME { … }: in the expansion of $B at f:3:15`}},
		{"behind a false condition", "@lb2 bad\n@lb1 worse", []string{`2:6-11: Unknown keyword "worse"`}},
		{"name that is not defined", "global_defs {\nrouter_id $NONE\n}", []string{"2:11-16: $NONE is not defined; it stays as it is written"}},
		{"name of its own", "x ${_NONE}", []string{
			"1:3-11: $_NONE is no name of keepalived's own, which are _PWD, _INSTANCE, _ENV, _HASH, _BANG; begin yours with a letter", `1:1-2: Unknown keyword "x"`}},
		{"random", "global_defs {\nrouter_id ${_RANDOM 1 5}\n}", []string{
			"2:11-25: $_RANDOM would make the file mean something else each time it is read; write the number"}},
		{"environment", "global_defs {\nrouter_id ${_ENV LVSD_NOT_SET}\n}", []string{
			`2:11-31: $_ENV needs a variable of the environment behind it that is set, not "LVSD_NOT_SET"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := parse(c.src)
			if diff := cmp.Diff(c.want, problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoopsThatAreWrong(t *testing.T) {
	for src, want := range map[string]string{
		"~SEQ(N,1,3":                      `1:1-11: ~SEQ is not closed; write ")" behind its words`,
		"~SEQ() a":                        `1:1-7: ~SEQ takes a name and one to three numbers, not ""; write ~SEQ(NAME, START, STEP, END)`,
		"~SEQ(1,2) a":                     `1:1-10: ~SEQ takes a name and one to three numbers, not "1,2"; write ~SEQ(NAME, START, STEP, END)`,
		"~SEQ(N,1,2,3,4) a":               `1:1-16: ~SEQ takes a name and one to three numbers, not "N,1,2,3,4"; write ~SEQ(NAME, START, STEP, END)`,
		"~SEQ(N,1,x) a":                   `1:1-12: ~SEQ counts in whole numbers of at most 32 bits, not "x"`,
		"~SEQ(N,1,4294967296) a":          `1:1-21: ~SEQ counts in whole numbers of at most 32 bits, not "4294967296"`,
		"~SEQ(N,1,0,3) a":                 `1:1-14: ~SEQ does not come from 1 to 3 in steps of 0`,
		"~SEQ(N,1,-1,3) a":                `1:1-15: ~SEQ does not come from 1 to 3 in steps of -1`,
		"~SEQ(N,3,1,1) a":                 `1:1-14: ~SEQ does not come from 3 to 1 in steps of 1`,
		"~SEQ(N,1,2147483647) a":          `1:1-21: ~SEQ makes 2147483647 lines of this one; it makes at most 1000000`,
		"~LST(N) a":                       `1:1-8: ~LST takes a name and values, or several of each in braces, not "N"; write ~LST({A, B}, {1, 2}, {3, 4})`,
		"~LST({A,B},{1) a":                `1:1-15: ~LST takes a name and values, or several of each in braces, not "{A,B},{1"; write ~LST({A, B}, {1, 2}, {3, 4})`,
		"~LST({A,B},{1,2},{3}) a":         `1:1-22: ~LST has 1 values in {3} for the 2 names in {A,B}`,
		"~LST(a b,1) a":                   `1:1-12: "a b" is no name that ~LST can set; a name has letters, digits and _`,
		"~NO(1,2) a":                      `1:1-9: Unknown keyword "~NO(1,2)"`,
		"$A= \\\n1 \\\n2\n~SEQ(N,1,$A) a": "4:1-13: A name in the parentheses of ~SEQ stands for several lines; write a value",
		"$A= \\\nx \\":                    "1:1-6: The file ends within the definition of $A; end its last line without a backslash",
	} {
		if _, problems := parse(src); len(problems) == 0 || problems[0] != want {
			t.Errorf("%q: %q, want %q", src, problems, want)
		}
	}
}

// Definitions and loops that make much of little end with one clear problem, and soon.
func TestExpansionsAreBounded(t *testing.T) {
	// doubling defines 40 names by the one behind each, and the last as nothing.
	doubling := func(value string) string {
		var b strings.Builder
		for k := range 40 {
			fmt.Fprintf(&b, "$A%d="+value+"\n", k, k+1, k+1)
		}
		return b.String() + "$A40=\n$A0\n"
	}
	for _, c := range []struct{ name, src, want string }{
		{"itself", "$A=$A\n$A\n", "2:1-3: $A stands for itself, by way of other definitions or not"},
		{"one another", "$A=x $B\n$B=y $A\n$A\n", "3:1-3: $A stands for itself, by way of other definitions or not"},
		{"itself in lines", "$A= \\\n$A \\\n$A\n$A\n", "4:1-3: $A stands for itself, by way of other definitions or not"},
		{"doubling", doubling("${A%d}${A%d}"), "42:1-4: Definitions and loops make more than 4000000 replacements; nothing behind this is read"},
		{"doubling blanks", doubling("x${A%d}x${A%d}"), "42:1-4: The definitions in this line make 65537 bytes of it; a line has at most 65536"},
		{"doubling lines", doubling(" \\\n${A%d} \\\n${A%d}"), "122:1-4: Definitions and loops make more than 2000000 lines; nothing behind this is read"},
		{"a long line", "$A=" + strings.Repeat("x", 1000) + "\n" + strings.Repeat("${A}", 100) + "\n", "2:1-401: The definitions in this line make 66000 bytes of it; a line has at most 65536"},
		{"rounds of rounds", "~SEQ(A,1,1000000) ~SEQ(B,1,1000000) $C=1\n", "1:36-41: Definitions and loops make more than 2000000 lines; nothing behind this is read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := parse(c.src)
			found := 0
			for _, p := range problems {
				if strings.Contains(p, c.want) {
					found++
				}
			}
			if found != 1 || len(problems) > 3 {
				t.Errorf("%d problems, first %q", len(problems), problems[:min(3, len(problems))])
			}
		})
	}
}

// A long line of names takes no longer for letters of several bytes before them.
func TestPlacesAreFoundInLinearTime(t *testing.T) {
	src := "$A=\n" + strings.Repeat(strings.Repeat("é", 15000)+strings.Repeat("${A}", 8000)+"\n", 20)
	start := time.Now()
	_, problems := parse(src)
	if took := time.Since(start); took > 5*time.Second || len(problems) != 20 {
		t.Errorf("%d problems after %v", len(problems), took)
	}
}

func TestScriptWords(t *testing.T) {
	for src, want := range map[string]string{
		`/bin/x a b`:            "/bin/x|a|b",
		`"/bin/x a" b`:          "/bin/x a|b",
		`abc"d e"f 'g h'i`:      "abcd ef|g hi",
		`"it's" 'say "x"'`:      `it's|say "x"`,
		`a\ b \"c \\ "\"d"`:     `a b|"c|\|"d`,
		`\a\b\E\f\n\r\t\v`:      "\a\b\x1b\f\n\r\t\v",
		`\101\x41\x00142\cA\q\`: "AAB\x01q\\",
		`a#b`:                   "a",
		`"a # { } b" # c`:       "a # { } b",
		`'a' ''`:                "a|",
		`a ! b`:                 "a",
	} {
		s := newStream("f", src, &expander{})
		s.advance()
		var got []string
		for {
			w, ok := s.scriptWord()
			if !ok {
				break
			}
			got = append(got, w.text)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s is %q, want %q", src, got, want)
		}
	}
	_, problems := parse("vrrp_script a {\nscript 'x\n}\n")
	if want := `2:8-10: This quote is not closed; write another ' at the end of the word`; len(problems) == 0 || problems[0] != want {
		t.Errorf("%q, want %q", problems, want)
	}
}
