package check

import (
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// healthServer answers a question after a service's health with the message and trailer that the
// service has, in bytes: answers that grpc-go's server (TestGRPCServer) does not give are among them.
func healthServer(t *testing.T, reply func(question string) (message, status string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/grpc.health.v1.Health/Check" ||
			r.Header.Get("Content-Type") != "application/grpc" || r.Header.Get("Te") != "trailers" || r.ProtoMajor != 2 {
			t.Errorf("%s %s %v in %s: %v", r.Method, r.URL, r.Header, r.Proto, err)
		}
		message, status := reply(hex.EncodeToString(body))
		w.Header().Set("Content-Type", "application/grpc")
		if message == "" { // no body: the status is in the header
			w.Header().Set("Grpc-Status", status)
			return
		}
		w.Header().Set("Trailer", "Grpc-Status")
		bytes, err := hex.DecodeString(message)
		if err != nil {
			t.Error(err)
		}
		w.Write(bytes)
		w.Header().Set("Grpc-Status", status)
	}
}

func TestGRPC(t *testing.T) {
	const whole, shop = "0000000000", "00000000070a0573686f7073" // the first 5 bytes are gRPC's own
	for _, c := range []struct {
		name, service, message, status, want string
	}{
		{"serving", "", "00000000020801", "0", ""},
		{"not serving", "", "00000000020802", "0", "health is NOT_SERVING, want SERVING"},
		{"unknown", "", "0000000000", "0", "health is UNKNOWN, want SERVING"},
		{"unknown service", "", "00000000020803", "0", "health is SERVICE_UNKNOWN, want SERVING"},
		{"a state of tomorrow", "", "000000000308ac02", "0", "health is 300, want SERVING"},
		{"not found", "", "", "5", "gRPC status 5 "},
		{"fails after the message", "", "00000000020801", "13", "gRPC status 13 "},
		{"nonsense", "", "ffff", "0", "answer ffff: it is no answer about health"},
		{"another field", "", "00000000021201", "0", "answer 00000000021201: it is no answer about health"},
		{"compressed", "", "01000000020801", "0", "answer 01000000020801: it is no answer about health"},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, secure), func(t *testing.T) {
				addr := webServer(t, secure, healthServer(t, func(question string) (string, string) {
					if question != whole {
						t.Errorf("asked %s", question)
					}
					return c.message, c.status
				}))
				wantError(t, probeOnce(t, asks(GRPC, addr, 20*time.Second, GRPCRequest{TLS: secure})), c.want)
			})
		}
	}
	asked := make(chan string, 1)
	addr := webServer(t, false, healthServer(t, func(question string) (string, string) {
		asked <- question
		return "00000000020801", "0"
	}))
	wantError(t, probeOnce(t, asks(GRPC, addr, 20*time.Second, GRPCRequest{Service: "shops"})), "")
	if got := <-asked; got != shop {
		t.Errorf("asked %s, want %s", got, shop)
	}
	hosts := make(chan string, 1)
	named := webServer(t, false, func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Host
		w.WriteHeader(http.StatusNotFound)
	})
	if err := probeOnce(t, asks(GRPC, named, 20*time.Second, GRPCRequest{Host: "a%zz.example"})); isFault(err) {
		t.Fatal(err)
	}
	if got := <-hosts; got != "a%zz.example" {
		t.Errorf("asked the authority %s", got)
	}
	plain := webServer(t, false, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) })
	wantError(t, probeOnce(t, asks(GRPC, plain, 20*time.Second, GRPCRequest{})), "HTTP status 404, want 200")
	wantError(t, probeOnce(t, asks(GRPC, serve(t, silent), short, GRPCRequest{})), "no answer within 300ms")
}

// The certificate has to be for the name that is sent, and where none is, for the site.
func TestGRPCVerifiesTheName(t *testing.T) {
	addr := webServer(t, true, healthServer(t, func(string) (string, string) { return "00000000020801", "0" }))
	conn, err := tls.Dial("tcp", addr.String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	shown := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw})
	conn.Close()
	trust := Trust{CA: file(t, t.TempDir(), "ca.pem", string(shown))}
	for _, c := range []struct {
		request GRPCRequest
		sound   bool
	}{
		{GRPCRequest{Host: "example.com:443"}, true},
		{GRPCRequest{ServerName: "example.com", Host: "other.example.org"}, true},
		{GRPCRequest{Host: "other.example.org:443"}, false},
		{GRPCRequest{ServerName: "other.example.org", Host: "example.com"}, false},
	} {
		c.request.TLS, c.request.Trust = true, trust
		if err := probeOnce(t, asks(GRPC, addr, 20*time.Second, c.request)); (err == nil) != c.sound || isFault(err) {
			t.Errorf("%+v: %v", c.request, err)
		}
	}
}
