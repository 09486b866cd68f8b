package check

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
)

// maxIgnored is how much is read of a body of which nothing but its end is wanted; maxBody bounds
// one that is looked at. Both are in bytes.
const (
	maxIgnored = 64 << 10
	maxBody    = 16 << 20
)

var errLongBody = fmt.Errorf("body is longer than %d MiB", maxBody>>20)

// judge reads the body of a response and says what is unwanted about the response; "" is nothing.
// raw is what an HTTP/1 body is read from, nil for other versions.
func (p *probers) judge(q HTTPRequest, response *http.Response, raw *bufio.Reader) (unwanted string, err error) {
	if !q.Status.Has(response.StatusCode) {
		return fmt.Sprintf("status %d, want %s", response.StatusCode, q.Status), nil
	}
	if !q.Digest.set && q.Match == (Match{}) {
		_, err := io.CopyN(io.Discard, response.Body, maxIgnored)
		if err == io.EOF { //nolint:errorlint // io.CopyN returns it as it is when the body is shorter
			err = nil
		}
		return "", err
	}
	sum := md5.New()
	var framed io.Reader // the rest of what is hashed with its framing
	framedSum := md5.New()
	body := io.Reader(response.Body)
	if q.Digest.set && raw != nil && len(response.TransferEncoding) > 0 {
		framed = io.TeeReader(raw, framedSum)
		body = httputil.NewChunkedReader(framed)
	}
	limited := &io.LimitedReader{R: body, N: maxBody + 1}
	body = limited
	if q.Digest.set {
		body = io.TeeReader(limited, sum)
	}
	if q.Match != (Match{}) {
		if unwanted, err = p.expressions.match(q.Match, body); unwanted != "" || err != nil {
			return unwanted, err
		}
	}
	if !q.Digest.set {
		return "", nil
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return "", err
	}
	if limited.N <= 0 {
		return "", errLongBody
	}
	got := sum.Sum(nil)
	if bytes.Equal(got, q.Digest.sum[:]) {
		return "", nil
	}
	// genhash(1) hashes chunks with their framing, to the end of the connection.
	if framed != nil {
		if _, err := io.Copy(io.Discard, framed); err != nil {
			return "", err
		}
		if bytes.Equal(framedSum.Sum(nil), q.Digest.sum[:]) {
			return "", nil
		}
	}
	return fmt.Sprintf("digest %x, want %s", got, q.Digest), nil
}
