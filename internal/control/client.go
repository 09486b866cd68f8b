package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"lvsd/internal/director"
)

// ErrNotRunning says that no lvsd works with the run directory.
var ErrNotRunning = errors.New("no lvsd is running with this run directory")

// maxRefusal bounds what is read of an answer that is none, in bytes.
const maxRefusal = 16 << 10

// Status asks the lvsd of a run directory for its status. Errors wrap ErrNotRunning, ctx's, or
// the socket's.
func Status(ctx context.Context, dir string) (director.Status, error) {
	var s director.Status
	return s, ask(ctx, dir, "status", http.MethodGet, statusPath, nil, &s)
}

// post asks for what with a body.
func post(ctx context.Context, dir, what, url string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return ask(ctx, dir, what, http.MethodPost, url, bytes.NewReader(body), answer)
}

// ask sends a request for what to the lvsd of a run directory, and decodes its answer.
func ask(ctx context.Context, dir, what, method, url string, body io.Reader, answer any) error {
	path, err := socket(dir)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}}
	q, err := http.NewRequestWithContext(ctx, method, "http://lvsd"+url, body)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", what, err)
	}
	r, err := client.Do(q)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
			err = ErrNotRunning
		}
		return fmt.Errorf("ask %s for %s: %w", path, what, err)
	}
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(r.Body, maxRefusal))
		if r.StatusCode == http.StatusUnprocessableEntity {
			return refusal(strings.TrimSpace(string(text)))
		}
		return fmt.Errorf("ask for %s: %s: %s", what, r.Status, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(r.Body).Decode(answer); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}
