package check

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/grpc"
	grpctls "google.golang.org/grpc/credentials"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// grpcServer is grpc-go's server with its service for health.
func grpcServer(t *testing.T, options ...grpc.ServerOption) (netip.AddrPort, *grpchealth.Server) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, state := grpc.NewServer(options...), grpchealth.NewServer()
	grpc_health_v1.RegisterHealthServer(server, state)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().(*net.TCPAddr).AddrPort(), state
}

// What grpc-go's server says of its health is understood, in the clear and over TLS.
func TestGRPCServer(t *testing.T) {
	dir := t.TempDir()
	authority(t, dir)
	issue(t, dir, "server", "DNS:shop.example.org", 30)
	transport, err := grpctls.NewServerTLSFromFile(dir+"/server.pem", dir+"/server.key")
	if err != nil {
		t.Fatal(err)
	}
	for name, secure := range map[string]bool{"in the clear": false, "over TLS": true} {
		t.Run(name, func(t *testing.T) {
			var options []grpc.ServerOption
			ask := GRPCRequest{Service: "shop.Orders"}
			if secure {
				options = append(options, grpc.Creds(transport))
				ask.TLS, ask.ServerName, ask.Trust = true, "shop.example.org", Trust{CA: dir + "/ca.pem"}
			}
			addr, state := grpcServer(t, options...)
			say := func(want string) {
				t.Helper()
				wantError(t, probeOnce(t, asks(GRPC, addr, 20*time.Second, ask)), want)
			}
			say("gRPC status 5 unknown service")
			for _, c := range []struct {
				status grpc_health_v1.HealthCheckResponse_ServingStatus
				want   string
			}{
				{grpc_health_v1.HealthCheckResponse_SERVING, ""},
				{grpc_health_v1.HealthCheckResponse_NOT_SERVING, "health is NOT_SERVING, want SERVING"},
				{grpc_health_v1.HealthCheckResponse_UNKNOWN, "health is UNKNOWN, want SERVING"},
			} {
				state.SetServingStatus(ask.Service, c.status)
				say(c.want)
			}
			ask.Service = "" // the server as a whole
			say("")
			state.Shutdown()
			say("health is NOT_SERVING, want SERVING")
		})
	}
	// A server without the service for health.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bare, ended := grpc.NewServer(), make(chan error, 1)
	go func() { ended <- bare.Serve(listener) }()
	wantError(t, probeOnce(t, asks(GRPC, listener.Addr().(*net.TCPAddr).AddrPort(), 20*time.Second, GRPCRequest{})),
		"gRPC status 12 unknown service grpc.health.v1.Health")
	bare.Stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
