package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lvsd/internal/director"
)

func TestOrderRoundTrip(t *testing.T) {
	at, weight, uid, seconds := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), 0, uint32(7), 1.5
	want := director.OrderAnswer{Warnings: []string{"w"}, Servers: []director.OrderedServer{{Service: "TCP 192.0.2.1:80",
		Address: netip.MustParseAddrPort("10.0.0.1:80"), Changed: true, Healthy: true, EffectiveWeight: 3, Active: 1, Inactive: 2, Persistent: 3,
		ServerOrders: director.ServerOrders{Draining: true, Drained: true, DrainSince: &at, DrainUntil: &at, OperatorWeight: &weight, OrderedBy: &uid}}}}
	request := director.OrderRequest{Verb: director.Drain, Service: "*", Server: "10.0.0.1", Timeout: &seconds, Weight: 4}
	var asked director.OrderRequest
	var who uint32
	dir, _, _ := serve(t, source{order: func(uid uint32, q director.OrderRequest) (director.OrderAnswer, error) {
		who, asked = uid, q
		return want, nil
	}})
	got, err := Order(t.Context(), dir, request)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(request, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(director.OrderedServer{}), cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Errorf("answered (-want +got):\n%s", diff)
	}
	if int(who) != os.Getuid() {
		t.Errorf("user %d asked, and not %d", os.Getuid(), who)
	}
}

// TestOrderErrors: a refusal is told as it is, everything else with what was asked.
func TestOrderErrors(t *testing.T) {
	for _, c := range []struct {
		err     error
		want    string
		refused bool
	}{
		{fmt.Errorf("no such server%w", wrapped{}), "no such server", true},
		{fmt.Errorf("%w: the verb", director.ErrRequest), "ask for an order: 400 Bad Request: bad request: the verb", false},
		{context.DeadlineExceeded, "ask for an order: 503 Service Unavailable: undrain: context deadline exceeded", false},
	} {
		dir, _, _ := serve(t, source{order: func(uint32, director.OrderRequest) (director.OrderAnswer, error) {
			return director.OrderAnswer{}, c.err
		}})
		_, err := Order(t.Context(), dir, director.OrderRequest{Verb: director.Undrain})
		if err == nil || err.Error() != c.want || errors.Is(err, ErrRefused) != c.refused {
			t.Errorf("%v", err)
		}
	}
	if _, err := Order(t.Context(), t.TempDir(), director.OrderRequest{}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("%v", err)
	}
}

// wrapped is an ErrRefused without a text.
type wrapped struct{}

func (wrapped) Error() string        { return "" }
func (wrapped) Is(target error) bool { return target == director.ErrRefused }

func TestOrderRequestsThatAreNone(t *testing.T) {
	dir, _, _ := serve(t, source{order: func(uint32, director.OrderRequest) (director.OrderAnswer, error) {
		t.Error("obeyed")
		return director.OrderAnswer{}, nil
	}})
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", filepath.Join(dir, "lvsd.sock"))
		}}}
	for _, body := range []string{"", "drain", `{"verb": 3}`, `{"verb": "drain", "server": "10.0.0.1"}`, `{"weight": -1.5}`} {
		r, err := client.Post("http://lvsd"+orderPath, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if r.StatusCode != http.StatusBadRequest || !strings.HasPrefix(string(text), "read request: ") {
			t.Errorf("%.40s: %d %s", body, r.StatusCode, text)
		}
	}
}
