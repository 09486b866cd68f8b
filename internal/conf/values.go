package conf

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"lvsd/internal/conf/keepalived"
)

// Bounds of values that no protocol bounds.
const (
	maxDuration  = 24 * time.Hour
	minDuration  = time.Millisecond
	maxRetry     = 65535
	maxRepeat    = 1000
	maxWeight    = 65535
	maxQuorum    = 1<<31 - 1
	maxThreshold = 1<<31 - 1
	maxInterface = 15 // IFNAMSIZ less the NUL, linux/if.h
	// maxPersistence is 31 days, ipvsadm(8).
	maxPersistence = 2678400 * time.Second
)

// first is the argument of a word, and false where it has none, which the parser reported.
func first(n *keepalived.Node) (keepalived.Word, bool) {
	if len(n.Args) == 0 || n.Broken {
		return keepalived.Word{}, false
	}
	return n.Args[0], true
}

// Each of the following stores a word's value and says whether it could; where it could not, it
// reports why, and the default stays.

func (d *decoder) text(n *keepalived.Node, to *string) bool {
	w, ok := first(n)
	if !ok {
		return false
	}
	if w.Text == "" || !graphic(w.Text) {
		d.errorf(w.Range, "%s takes a name, not %q", n.Keyword.Text, w.Text)
		return false
	}
	*to = w.Text
	return true
}

// graphic says whether a text can be printed as it is.
func graphic(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) })
}

func (d *decoder) whole(n *keepalived.Node, lo, hi int, to *int) bool {
	w, ok := first(n)
	if !ok {
		return false
	}
	v, err := strconv.Atoi(w.Text)
	if err != nil || v < lo || v > hi {
		d.errorf(w.Range, "%s takes a whole number from %d to %d, not %q", n.Keyword.Text, lo, hi, w.Text)
		return false
	}
	*to = v
	return true
}

func (d *decoder) octet(n *keepalived.Node, to *uint8) bool {
	v := 0
	ok := d.whole(n, 1, 255, &v)
	if ok {
		*to = uint8(v)
	}
	return ok
}

func (d *decoder) version(n *keepalived.Node, to *uint8) bool {
	w, ok := first(n)
	if !ok {
		return false
	}
	switch w.Text {
	case "2":
		*to = 2
	case "3":
		*to = 3
	default:
		d.errorf(w.Range, "%s is 2 (RFC 3768) or 3 (RFC 9568), not %q", n.Keyword.Text, w.Text)
		return false
	}
	return true
}

// flag reads a word that stands alone or has a truth value behind it.
func (d *decoder) flag(n *keepalived.Node, to *bool) bool {
	if len(n.Args) == 0 && !n.Broken {
		*to = true
		return true
	}
	w, ok := first(n)
	if !ok {
		return false
	}
	switch w.Text {
	case "on", "true", "yes":
		*to = true
	case "off", "false", "no":
		*to = false
	default:
		d.errorf(w.Range, "%s takes true or false, not %q", n.Keyword.Text, w.Text)
		return false
	}
	return true
}

// choice reads one of several words.
func (d *decoder) choice(n *keepalived.Node, known []string, to *string) bool {
	w, ok := first(n)
	if !ok {
		return false
	}
	for _, k := range known {
		if w.Text == k {
			*to = k
			return true
		}
	}
	hint := ""
	if near := keepalived.Nearest(w.Text, known); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	d.errorf(w.Range, "%s is one of %s, not %q%s", n.Keyword.Text, strings.Join(known, ", "), w.Text, hint)
	return false
}

func (d *decoder) duration(n *keepalived.Node, lo, hi time.Duration, to *time.Duration) bool {
	w, ok := first(n)
	return ok && d.wordDuration(n.Keyword.Text, w, lo, hi, to)
}

// wordDuration reads a time that is not the first word behind its keyword.
func (d *decoder) wordDuration(what string, w keepalived.Word, lo, hi time.Duration, to *time.Duration) bool {
	v, ok := parseDuration(w.Text, d.front.units)
	if !ok || v < lo || v > hi {
		form := "a number of seconds"
		if d.front.units {
			form = `seconds or a duration such as "500ms"`
		}
		d.errorf(w.Range, "%s takes %s from %s to %s, not %q", what, form, seconds(lo), seconds(hi), w.Text)
		return false
	}
	*to = v
	return true
}

// parseDuration reads decimal seconds and, with units, what time.ParseDuration reads.
func parseDuration(text string, units bool) (time.Duration, bool) {
	decimal := text != "" && strings.Trim(text, "0123456789.") == ""
	if !decimal && !units {
		return 0, false
	}
	if decimal {
		text += "s"
	}
	v, err := time.ParseDuration(text)
	return v, err == nil
}

// seconds writes a duration as the number that keepalived.conf takes.
func seconds(v time.Duration) string {
	text := fmt.Sprintf("%d.%09d", v/time.Second, v%time.Second)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// interfaceName reads the name of a network interface as the kernel allows it
// (net/core/dev.c, dev_valid_name).
func (d *decoder) interfaceName(what string, w keepalived.Word, to *string) bool {
	bad := ""
	switch name := w.Text; {
	case name == "", len(name) > maxInterface:
		bad = fmt.Sprintf("has 1 to %d characters", maxInterface)
	case name == "." || name == "..":
		bad = `is not "." or ".."`
	case strings.ContainsAny(name, "/:") || strings.ContainsFunc(name, unicode.IsSpace) || !graphic(name):
		bad = `has no "/", ":" or blank in it`
	}
	if bad != "" {
		d.errorf(w.Range, "%s %q is no name of an interface, which %s", what, w.Text, bad)
		return false
	}
	*to = w.Text
	return true
}

// serverAddress reads the address and port of a virtual or a real server. Names are refused: what
// they mean would change while the daemon runs.
func (d *decoder) serverAddress(n *keepalived.Node, to *netip.AddrPort) bool {
	w, ok := first(n)
	if !ok {
		return false
	}
	addr, err := netip.ParseAddr(w.Text)
	if err != nil || addr.Zone() != "" {
		d.errorf(w.Range, "%s takes an IP address such as 192.168.2.11, not %q", n.Keyword.Text, w.Text)
		return false
	}
	if addr = addr.Unmap(); addr.IsUnspecified() || addr.IsMulticast() {
		d.errorf(w.Range, "%s %s is no address of one machine", n.Keyword.Text, addr)
		return false
	}
	number := uint16(0)
	if len(n.Args) > 1 {
		w := n.Args[1]
		if number, ok = port(w.Text); !ok {
			d.errorf(w.Range, "The port of %s is a whole number from 0 to 65535 or a service such as https, not %q", n.Keyword.Text, w.Text)
			return false
		}
	}
	*to = netip.AddrPortFrom(addr, number)
	return true
}
