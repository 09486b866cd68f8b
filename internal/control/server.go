package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/director"
)

// Source is what the server shows; *director.Director is one.
type Source interface {
	Status(context.Context) (director.Status, error)
	PlanFile(context.Context, director.PlanRequest) (director.PlanAnswer, error)
	// Order does what a user, by its id, says of real servers.
	Order(context.Context, uint32, director.OrderRequest) (director.OrderAnswer, error)
}

// The paths are versioned: scripts may speak to the socket without this package.
const (
	statusPath = "/v1/status"
	planPath   = "/v1/plan"
	orderPath  = "/v1/order"
)

// requestTimeout bounds one request, so that a client that hangs costs nothing for long.
const requestTimeout = 5 * time.Second

// Server answers on the socket of a run directory.
type Server struct {
	http     http.Server
	listener net.Listener
}

// Listen opens the socket, for its owner only. A socket that a crash left is replaced.
func (r *RunDir) Listen(source Source) (*Server, error) {
	path, err := socket(r.path)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replace control socket: %w", err)
	}
	// A socket's file gets the mode that the socket has when it is bound (unix_bind_bsd in
	// net/unix/af_unix.c): there is no time at which others could connect.
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var chmod error
		err := c.Control(func(fd uintptr) { chmod = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(err, chmod)
	}}
	l, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+planPath, planHandler(source))
	mux.HandleFunc("POST "+orderPath, orderHandler(source))
	mux.HandleFunc("GET "+statusPath, func(w http.ResponseWriter, q *http.Request) {
		ctx, cancel := context.WithTimeout(q.Context(), requestTimeout)
		defer cancel()
		s, err := source.Status(ctx)
		respond(w, "read status", s, err)
	})
	return &Server{listener: l, http: http.Server{Handler: mux, ConnContext: withPeer, ReadTimeout: requestTimeout,
		// What net/http would say of a client goes wrong with the client, and is no event.
		WriteTimeout: 2 * requestTimeout, ErrorLog: log.New(io.Discard, "", 0)}}, nil
}

// respond answers a request with what doing it came to.
func respond(w http.ResponseWriter, doing string, answer any, err error) {
	switch {
	case errors.Is(err, director.ErrRequest):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, director.ErrRefused):
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	case err != nil:
		http.Error(w, fmt.Sprintf("%s: %v", doing, err), http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the client that is gone needs no answer
	}
}

// Serve answers until Close, and then returns nil.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control socket: %w", err)
	}
	return nil
}

// Close ends Serve and every request.
func (s *Server) Close() { _ = s.http.Close() }
