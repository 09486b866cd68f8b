package check

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// GRPCRequest asks a server for its health by gRPC's own protocol for it (grpc.health.v1).
type GRPCRequest struct {
	// Service is what is asked after; empty is the server as a whole.
	Service string
	// Host is the authority that is asked for, empty for the target's address and port.
	Host string
	// TLS asks over TLS.
	TLS bool
	// ServerName is the name that is asked for in the TLS handshake; empty is none.
	ServerName string
	// Trust is what is shown to the server and what it has to show.
	Trust Trust
}

// Words are what the request says in lvsd's words, which keepalived does not have.
func (q GRPCRequest) Words() []Word {
	return append([]Word{{Name: "service", Value: q.Service}, {Name: "virtualhost", Value: q.Host}, {Name: "tls", Value: flag(q.TLS)}, {Name: "sni_name", Value: q.ServerName}}, q.Trust.words()...)
}

func (q GRPCRequest) suffix() string {
	if q.Service == "" {
		return ""
	}
	return " " + q.Service
}

// maxHealth bounds the answer in bytes: a number, and what the protocol may come to carry.
const maxHealth = 4 << 10

// grpc asks once and wants to hear that the service is serving.
func (p *probers) grpc(ctx context.Context, spec Spec) error {
	q, _ := spec.Detail.Request().(GRPCRequest)
	tcp, err := open(ctx, spec)
	if err != nil {
		return err
	}
	defer tcp.Close()
	var conn net.Conn = tcp
	if q.TLS {
		verified := HTTPRequest{Host: q.Host, ServerName: q.ServerName}.verified()
		secure, err := p.secure(ctx, tcp, spec, tlsRequest{serverName: q.ServerName, verified: verified, trust: q.Trust, http2: true})
		if err != nil {
			return err
		}
		conn = secure
	}
	host := HTTPRequest{Host: q.Host}.host(spec.Addr)
	response, done, err := roundTrip2(ctx, conn, host, "/grpc.health.v1.Health/Check", healthRequest(q.Service))
	if err != nil {
		return missing(ctx, spec, "answer", err)
	}
	defer done()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP status %d, want 200", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxHealth))
	if err != nil {
		return missing(ctx, spec, "answer", err)
	}
	code, text := response.Trailer.Get("Grpc-Status"), response.Trailer.Get("Grpc-Message")
	if code == "" { // there is no body, and the trailer is in the header
		code, text = response.Header.Get("Grpc-Status"), response.Header.Get("Grpc-Message")
	}
	if code != "0" {
		return fmt.Errorf("gRPC status %s %s", code, text)
	}
	state, err := health(body)
	switch {
	case err != nil:
		return fmt.Errorf("answer %x: %w", body, err)
	case state != serving:
		return fmt.Errorf("health is %s, want SERVING", stateName(state))
	}
	return nil
}

// serving is HealthCheckResponse.ServingStatus.SERVING of grpc.health.v1.
const serving = 1

func stateName(state uint64) string {
	names := []string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}
	if state < uint64(len(names)) {
		return names[state]
	}
	return strconv.FormatUint(state, 10)
}

// healthRequest is a HealthCheckRequest as a message of gRPC: a byte that says that it is not
// compressed, its length, and one field of protocol buffers with the number 1.
func healthRequest(service string) string {
	var message []byte
	if service != "" {
		message = append(message, 1<<3|2)
		message = binary.AppendUvarint(message, uint64(len(service)))
		message = append(message, service...)
	}
	return string(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...))
}

var errNoHealth = errors.New("it is no answer about health")

// health reads the field with the number 1 of a HealthCheckResponse; without it the status is
// UNKNOWN.
func health(body []byte) (uint64, error) {
	if len(body) < 5 || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		return 0, errNoHealth
	}
	message := body[5:]
	if len(message) == 0 {
		return 0, nil
	}
	state, n := binary.Uvarint(message[1:])
	if message[0] != 1<<3 || n <= 0 {
		return 0, errNoHealth
	}
	return state, nil
}
