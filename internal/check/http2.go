package check

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// getHTTP2 is getHTTP1 in HTTP/2 (RFC 9113), over TLS or with prior knowledge.
func (p *probers) getHTTP2(ctx context.Context, conn net.Conn, spec Spec, q HTTPRequest) (unwanted string, err error) {
	response, done, err := roundTrip2(ctx, conn, q.host(spec.Addr), q.target(), "")
	if err != nil {
		return "", err
	}
	defer done()
	return p.judge(q, response, nil)
}

// roundTrip2 sends one request of HTTP/2, a GET or, with a message of gRPC, a POST of that. done has
// to be called when the response was read.
func roundTrip2(ctx context.Context, conn net.Conn, host, target, message string) (response *http.Response, done func(), err error) {
	scheme, protocols := "http", &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	if secure, ok := conn.(*tls.Conn); ok {
		if secure.ConnectionState().NegotiatedProtocol != "h2" {
			return nil, nil, errNoHTTP2
		}
		scheme = "https"
		protocols.SetHTTP2(true)
	}
	given := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	transport := &http.Transport{Protocols: protocols, DialContext: given, DialTLSContext: given,
		DisableCompression: true, MaxResponseHeaderBytes: maxHeader}
	client, err := transport.NewClientConn(ctx, scheme, conn.RemoteAddr().String())
	if err != nil {
		return nil, nil, err
	}
	method, body := http.MethodGet, io.Reader(nil)
	if message != "" {
		method, body = http.MethodPost, strings.NewReader(message)
	}
	request, err := http.NewRequestWithContext(ctx, method, scheme+"://target/", body)
	if err != nil {
		client.Close()
		return nil, nil, &fault{op: method + " " + target, cause: err}
	}
	// What is asked for goes out as it was written, like in HTTP/1, whether or not it is a URL.
	request.URL, request.Host = &url.URL{Scheme: scheme, Host: host, Opaque: target}, host
	request.Header.Set("User-Agent", "lvsd")
	if message != "" {
		request.Header.Set("Content-Type", "application/grpc")
		request.Header.Set("Te", "trailers")
	}
	response, err = client.RoundTrip(request)
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	return response, func() {
		response.Body.Close()
		client.Close()
	}, nil
}
