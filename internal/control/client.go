package control

import (
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

// Status asks the lvsd of a run directory for its status. Errors wrap ErrNotRunning, ctx's, or
// the socket's.
func Status(ctx context.Context, dir string) (director.Status, error) {
	var s director.Status
	path, err := socket(dir)
	if err != nil {
		return s, err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://lvsd"+statusPath, nil)
	if err != nil {
		return s, fmt.Errorf("ask for status: %w", err)
	}
	answer, err := client.Do(q)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
			err = ErrNotRunning
		}
		return s, fmt.Errorf("ask %s for status: %w", path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1024))
		return s, fmt.Errorf("ask for status: %s: %s", answer.Status, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return s, fmt.Errorf("read status: %w", err)
	}
	return s, nil
}
