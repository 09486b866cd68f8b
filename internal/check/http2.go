package check

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// getHTTP2 is getHTTP1 in HTTP/2 (RFC 9113), over TLS or with prior knowledge.
func (p *probers) getHTTP2(ctx context.Context, conn net.Conn, spec Spec, q HTTPRequest) (unwanted string, err error) {
	scheme, protocols := "http", &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	if secure, ok := conn.(*tls.Conn); ok {
		if secure.ConnectionState().NegotiatedProtocol != "h2" {
			return "", errNoHTTP2
		}
		scheme = "https"
		protocols.SetHTTP2(true)
	}
	given := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	transport := &http.Transport{Protocols: protocols, DialContext: given, DialTLSContext: given,
		DisableCompression: true, MaxResponseHeaderBytes: maxHeader}
	client, err := transport.NewClientConn(ctx, scheme, spec.Addr.String())
	if err != nil {
		return "", err
	}
	defer client.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+q.host(spec.Addr)+q.target(), nil)
	if err != nil {
		return "", &fault{op: "GET " + q.target(), cause: err}
	}
	request.Header.Set("User-Agent", "lvsd")
	response, err := client.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	return p.judge(q, response, nil)
}
