package control

import (
	"context"
	"net"
	"net/http"

	"golang.org/x/sys/unix"

	"lvsd/internal/director"
)

// ErrRefused says that the daemon does not do what it is asked, and why.
var ErrRefused = director.ErrRefused

// refusal is an ErrRefused that has come over the socket.
type refusal string

// Error implements error.
func (r refusal) Error() string { return string(r) }

// Is implements errors.Is.
func (r refusal) Is(other error) bool { return other == ErrRefused }

// peerKey finds the user id of the process at the other end in a request's context.
type peerKey struct{}

// withPeer notes who is at the other end of a connection: the user that it had when it connected
// (SO_PEERCRED in unix(7)).
func withPeer(ctx context.Context, c net.Conn) context.Context {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return ctx
	}
	var cred *unix.Ucred
	var refused error
	err = raw.Control(func(fd uintptr) { cred, refused = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err != nil || refused != nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, cred.Uid)
}

// orderHandler has the operator's word done.
func orderHandler(source Source) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		ctx, cancel := context.WithTimeout(q.Context(), requestTimeout)
		defer cancel()
		uid, known := q.Context().Value(peerKey{}).(uint32)
		if !known {
			http.Error(w, "the kernel does not say who asks", http.StatusForbidden)
			return
		}
		var request director.OrderRequest
		if !decoded(w, q, &request) {
			return
		}
		answer, err := source.Order(ctx, uid, request)
		respond(w, string(request.Verb), answer, err)
	}
}

// Order has the lvsd of a run directory do what an operator says of real servers. Errors wrap ErrRefused,
// ErrNotRunning, ctx's, or the socket's.
func Order(ctx context.Context, dir string, q director.OrderRequest) (director.OrderAnswer, error) {
	var a director.OrderAnswer
	return a, post(ctx, dir, "an order", orderPath, q, &a)
}
