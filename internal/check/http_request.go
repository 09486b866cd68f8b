package check

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// HTTPRequest is what HTTP and HTTPS ask for, and what the response has to be.
type HTTPRequest struct {
	// Path is a path with its query, beginning with a slash; empty means "/".
	Path string
	// Host is the name of the site (virtualhost), with its port if it has one; empty is the
	// target's address and port.
	Host string
	// Version is the version of HTTP that is spoken.
	Version HTTPVersion
	// Status has the accepted answers.
	Status StatusCodes
	// Digest is what the MD5 of the body has to be; the zero value is anything.
	Digest Digest
	// Match is what the body has to match.
	Match Match
	// ServerName is the name that is asked for in the TLS handshake (RFC 6066 §3); empty is none.
	ServerName string
	// Trust is what is shown to the server over TLS, and what it has to show.
	Trust Trust
	// Strict wants the end of a response over TLS to be announced (RFC 8446 §6.1): without it,
	// a connection that just ends is the end of the body too (tls_compliant).
	Strict bool
}

// HTTPVersion is a version of HTTP with the way it is asked for.
type HTTPVersion uint8

// The versions. HTTP10C is 1.0 with a line that asks for the connection to be closed.
const (
	HTTP11 HTTPVersion = iota
	HTTP10
	HTTP10C
	HTTP2
)

// String returns the version as http_protocol has it.
func (v HTTPVersion) String() string {
	return [...]string{HTTP11: "1.1", HTTP10: "1.0", HTTP10C: "1.0C", HTTP2: "2"}[v]
}

// ParseHTTPVersion is the opposite of String. The second result is false for any other text.
func ParseHTTPVersion(text string) (HTTPVersion, bool) {
	for v := HTTP11; v <= HTTP2; v++ {
		if v.String() == text {
			return v, true
		}
	}
	return 0, false
}

// Digest is an MD5 of a body, as genhash(1) prints it.
type Digest struct {
	sum [md5.Size]byte
	set bool
}

// ParseDigest reads a digest of 32 hexadecimal digits. The second result is false for any other
// text.
func ParseDigest(text string) (Digest, bool) {
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != md5.Size {
		return Digest{}, false
	}
	return Digest{[md5.Size]byte(sum), true}, true
}

// String returns the digest in lower case, "" if none is set.
func (d Digest) String() string {
	if !d.set {
		return ""
	}
	return hex.EncodeToString(d.sum[:])
}

// Words are what the request says in keepalived's words.
func (q HTTPRequest) Words() []Word {
	status := ""
	if q.Status != (StatusCodes{}) {
		status = q.Status.String()
	}
	words := []Word{{Name: "http_protocol", Value: q.Version.String()}, {Name: "virtualhost", Value: q.Host}, {Name: "status_code", Value: status}, {Name: "digest", Value: q.Digest.String()}}
	words = append(append(words, q.Match.words()...), q.Trust.words()...)
	return append(words, Word{Name: "sni_name", Value: q.ServerName}, Word{Name: "tls_compliant", Value: flag(q.Strict)})
}

// suffix is the path, with the site before it where it has a name: "/healthz", " www.example.com/".
func (q HTTPRequest) suffix() string {
	if q.Host == "" {
		return q.Path
	}
	return " " + q.Host + q.Path
}

// verified is the name that a certificate has to be for: the one that is asked for, else that of the
// site. An address in the place of either is verified too.
func (q HTTPRequest) verified() string {
	if q.ServerName != "" || q.Host == "" {
		return q.ServerName
	}
	if name, _, err := net.SplitHostPort(q.Host); err == nil {
		return name
	}
	return strings.Trim(q.Host, "[]")
}

// host is what the header Host says: the site, or the target itself (RFC 9110 §7.2) without an IPv6
// zone, which means nothing to it.
func (q HTTPRequest) host(target netip.AddrPort) string {
	if q.Host != "" {
		return q.Host
	}
	return netip.AddrPortFrom(target.Addr().WithZone(""), target.Port()).String()
}

// target is what the request line asks for: bytes that would end or break it are escaped (RFC 3986
// §2.1).
func (q HTTPRequest) target() string {
	if q.Path == "" {
		return "/"
	}
	var b strings.Builder
	for i := range len(q.Path) {
		if c := q.Path[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// text is the request in HTTP/1.
func (q HTTPRequest) text(target netip.AddrPort) string {
	version, closing := "1.1", "Connection: close\r\n"
	switch q.Version {
	case HTTP10:
		version, closing = "1.0", ""
	case HTTP10C:
		version = "1.0"
	}
	return "GET " + q.target() + " HTTP/" + version + "\r\nHost: " + q.host(target) +
		"\r\nUser-Agent: lvsd\r\nAccept: */*\r\n" + closing + "\r\n"
}
