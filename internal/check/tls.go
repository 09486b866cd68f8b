package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// tlsRequest is what is asked for in a TLS handshake.
type tlsRequest struct {
	serverName string // to send (RFC 6066 §3); empty is none
	// verified is the name that the certificate has to be for; empty is any. It counts only where
	// trust has authorities.
	verified string
	trust    Trust
	http2    bool // speak HTTP/2 (RFC 9113 §3.2)
}

var errNoCertificate = errors.New("no certificate was shown")

// secure speaks TLS on a connection. Without authorities to trust the certificate is not verified.
func (p *probers) secure(ctx context.Context, conn net.Conn, spec Spec, q tlsRequest) (*tls.Conn, error) {
	credentials, err := p.trusts.load(q.trust)
	if err != nil {
		return nil, &fault{op: spec.String(), cause: err}
	}
	c := &tls.Config{ServerName: q.serverName, InsecureSkipVerify: true, Certificates: credentials.certificates}
	if q.http2 {
		c.NextProtos = []string{"h2"}
	}
	// Go's own verification knows no chain without a name.
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errNoCertificate
		}
		leaf := state.PeerCertificates[0]
		note(ctx, func(f *Finding) { f.Expires = leaf.NotAfter })
		if credentials.authorities == nil {
			return nil
		}
		options := x509.VerifyOptions{Roots: credentials.authorities, DNSName: q.verified, Intermediates: x509.NewCertPool()}
		for _, other := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(other)
		}
		if _, err := leaf.Verify(options); err != nil {
			return fmt.Errorf("certificate is not valid: %w", err)
		}
		return nil
	}
	secure := tls.Client(conn, c)
	if err := secure.Handshake(); err != nil {
		if timedOut(err) || ctx.Err() != nil {
			return nil, fmt.Errorf("no TLS handshake within %v", spec.Timeout)
		}
		return nil, failure("TLS handshake", err)
	}
	return secure, nil
}
