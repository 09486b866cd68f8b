package conf

import (
	"encoding/hex"
	"fmt"

	"slices"
	"strconv"
	"strings"
	"unicode"

	"lvsd/internal/conf/keepalived"
)

// maxOffset bounds the offsets of a regex, in bytes: what is looked at of a body.
const maxOffset = 16 << 20

func (d *decoder) http(n *keepalived.Node, own inheritance, c *Check) {
	to := &HTTP{Protocol: d.front.defaults.HTTPProtocol, SNI: c.Kind == SSLGet && d.front.defaults.SNI}
	c.HTTP = to
	if c.Kind == SSLGet {
		to.SSL = d.cfg.SSL
	}
	strict := false
	each(n, func(w *keepalived.Node) {
		switch w.Name {
		case "http_protocol":
			d.choice(w, []string{"1.0", "1.0C", "1.1", "2"}, &to.Protocol)
		case "enable_sni":
			d.flag(w, &to.SNI)
		case "sni_name":
			d.hostName(w, &to.SNIName)
		case "tls_compliant":
			d.flag(w, &strict)
			d.secureOnly(w, c.Kind)
		}
	})
	if to.SNIName != "" {
		if w := child(n, "enable_sni"); w != nil && !to.SNI && c.Kind == SSLGet {
			d.repairs(w.Range, "enable_sni is false, and sni_name says which name to send", "the name is sent", "remove one of them")
		}
		to.SNI = true
	}
	each(n, func(w *keepalived.Node) {
		if w.Name == "url" {
			d.url(w, own.virtualHost, strict, to)
			if w := child(w, "tls_compliant"); w != nil {
				d.secureOnly(w, c.Kind)
			}
		}
	})
	if !has(n, "url") {
		d.errorf(n.Range, "%s has no url; write at least one", n.Name)
	}
	// Most servers of a file are asked for the same: they share it.
	if d.asked != nil && d.asked.equal(to) {
		c.HTTP = d.asked
	}
	d.asked = c.HTTP
}

// secureOnly tells that a word does nothing in a check without TLS.
func (d *decoder) secureOnly(n *keepalived.Node, kind CheckKind) {
	if kind != SSLGet {
		d.warnf(n.Range, "%s does nothing in %s, which has no TLS; remove it", n.Keyword.Text, kind)
	}
}

// hostName reads the name of a site, with or without its port.
func (d *decoder) hostName(n *keepalived.Node, to *string) bool {
	w, ok := first(n)
	if !ok {
		return false
	}
	if w.Text == "" || strings.Trim(w.Text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]%") != "" {
		d.errorf(w.Range, "%s takes the name of a site such as www.example.com, not %q", n.Keyword.Text, w.Text)
		return false
	}
	*to = w.Text
	return true
}

func (d *decoder) url(n *keepalived.Node, site string, strict bool, to *HTTP) {
	u := URL{VirtualHost: site, TLSCompliant: strict}
	bounds := map[string]*keepalived.Node{}
	var options *keepalived.Node
	d.singles(n, never, func(w *keepalived.Node) {
		switch w.Name {
		case "path":
			d.path(w, &u.Path)
		case "virtualhost":
			d.hostName(w, &u.VirtualHost)
		case "status_code":
			if len(w.Args) == 0 && !w.Broken {
				d.errorf(w.Range, "status_code is empty; write a code such as 200, or leave it out")
			}
			for _, code := range w.Args {
				d.statusCode(code, &u)
			}
		case "digest":
			d.digest(w, &u.Digest)
		case "regex":
			if w, ok := first(w); ok {
				u.Regex.Pattern = w.Text
			}
		case "regex_no_match":
			d.flag(w, &u.Regex.NoMatch)
		case "regex_options":
			options = w
			d.regexOptions(w, &u.Regex.Options)
		case "regex_min_offset":
			d.whole(w, 0, maxOffset, &u.Regex.MinOffset)
			bounds[w.Name] = w
		case "regex_max_offset":
			d.whole(w, 0, maxOffset, &u.Regex.MaxOffset)
			bounds[w.Name] = w
		case "tls_compliant":
			d.flag(w, &u.TLSCompliant)
		}
	})
	if u.Path == "" && !has(n, "path") {
		d.errorf(n.Range, "url has no path; write the one to ask for, such as /")
	}
	if len(u.StatusCodes) == 0 {
		u.StatusCodes = []StatusRange{d.front.defaults.StatusCodes}
	}
	d.regex(n, options, &u.Regex)
	if w := bounds["regex_max_offset"]; w != nil && u.Regex.MaxOffset > 0 && u.Regex.MaxOffset < u.Regex.MinOffset {
		d.errorf(w.Range, "regex_max_offset %d is below regex_min_offset %d; write a greater one", u.Regex.MaxOffset, u.Regex.MinOffset)
	}
	to.URLs = append(to.URLs, u)
}

// regex holds an expression to what lvsd can match.
func (d *decoder) regex(url, options *keepalived.Node, r *Regex) {
	at := slices.IndexFunc(url.Children, func(w *keepalived.Node) bool { return w.Name == "regex" })
	if at < 0 {
		for _, w := range url.Children {
			if strings.HasPrefix(w.Name, "regex_") {
				d.repairs(w.Range, w.Keyword.Text+" stands without a regex", "it does nothing", "write the regex, or remove it")
			}
		}
		*r = Regex{}
		return
	}
	n := url.Children[at]
	w, ok := first(n)
	if !ok || options != nil && options.Broken {
		return
	}
	if w.Text == "" {
		d.errorf(w.Range, "regex is empty; write an expression, or leave it out")
		return
	}
	if _, err := r.RE2(); err != nil {
		d.errorf(w.Range, "lvsd cannot match %q: %v; its expressions are RE2's (Go's regexp/syntax), without what only backtracking can match: write it without", w.Text, err)
	}
}

// regexOptions reads the names of pcre2api(3).
func (d *decoder) regexOptions(n *keepalived.Node, to *[]string) {
	known := regexOptions()
	for _, w := range n.Args {
		switch use, ok := known[w.Text]; {
		case !ok:
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			hint := ""
			if near := keepalived.Nearest(w.Text, names); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			d.errorf(w.Range, "regex_options has no option %q%s", w.Text, hint)
			n.Broken = true
		case use == "-":
			d.errorf(w.Range, "lvsd cannot match with the option %s: its expressions are RE2's (Go's regexp/syntax); write the expression so that it needs none", w.Text)
			n.Broken = true
		case !slices.Contains(*to, w.Text):
			*to = append(*to, w.Text)
		}
	}
}

func (d *decoder) digest(n *keepalived.Node, to *string) {
	w, ok := first(n)
	if !ok {
		return
	}
	if sum, err := hex.DecodeString(w.Text); err != nil || len(sum) != 16 {
		d.errorf(w.Range, "digest takes the 32 hexadecimal digits that genhash(1) or md5sum(1) prints, not %q", w.Text)
		return
	}
	*to = strings.ToLower(w.Text)
}

func (d *decoder) path(n *keepalived.Node, to *string) {
	w, ok := first(n)
	if !ok {
		return
	}
	if strings.ContainsFunc(w.Text, unicode.IsControl) {
		d.errorf(w.Range, "A path holds no control character, unlike %q", w.Text)
		return
	}
	if !strings.HasPrefix(w.Text, "/") || strings.ContainsFunc(w.Text, unicode.IsSpace) {
		d.errorf(w.Range, `A path begins with "/" and holds no blank, unlike %q`, w.Text)
		return
	}
	*to = w.Text
}

// statusCode reads N or N-M.
func (d *decoder) statusCode(w keepalived.Word, u *URL) {
	from, to, ranged := strings.Cut(w.Text, "-")
	if !ranged {
		to = from
	}
	first, errFirst := strconv.Atoi(from)
	last, errLast := strconv.Atoi(to)
	if errFirst != nil || errLast != nil || first < 100 || last > 599 || first > last {
		d.errorf(w.Range, "status_code takes codes from 100 to 599 such as 200 or 200-299, not %q", w.Text)
		return
	}
	u.StatusCodes = append(u.StatusCodes, StatusRange{first, last})
}
