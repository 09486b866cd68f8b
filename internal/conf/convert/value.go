package convert

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// quote writes a string of HCL, with its quotes and with all that means something in a template
// escaped.
func quote(text string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(text)).Bytes())
}

// duration writes a time as one writes it by hand: "5s", "500ms", "1.5s".
func duration(d time.Duration) string {
	switch {
	case d%time.Second == 0:
		return quote(fmt.Sprintf("%ds", d/time.Second))
	case d < time.Second && d%time.Millisecond == 0:
		return quote(fmt.Sprintf("%dms", d/time.Millisecond))
	case d < time.Millisecond:
		return quote(strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'f', -1, 64) + "us")
	}
	text := fmt.Sprintf("%d.%09d", d/time.Second, d%time.Second)
	return quote(strings.TrimRight(text, "0") + "s")
}

// seconds reads the decimal seconds of keepalived.conf.
func seconds(text string) (time.Duration, bool) {
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	d, err := time.ParseDuration(text + "s")
	return d, err == nil
}

// decimal are the numbers that HCL gives back as they were written.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)

// scalar writes a word as a number where it is one, else as a string.
func scalar(text string) string {
	if decimal.MatchString(text) && text != "-0" {
		return text
	}
	return quote(text)
}

// key writes the key of an object.
func key(text string) string {
	switch text {
	case "for", "null", "true", "false", "if", "in", "endfor", "else", "endif":
		return quote(text)
	}
	if hclsyntax.ValidIdentifier(text) {
		return text
	}
	return quote(text)
}

// comment writes a comment of another language as HCL has it.
func comment(text string) string {
	text = strings.TrimRight(strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(text, "\ufffd")), " \t")
	bare := strings.TrimLeft(text, "!")
	text = strings.Repeat("#", len(text)-len(bare)) + bare
	if !strings.HasPrefix(text, "#") {
		text = "# " + text
	}
	return text
}
