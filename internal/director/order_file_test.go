package director

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func remembered() orders {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return orders{
		{"TCP 192.0.2.1:80", netip.MustParseAddrPort("10.0.0.1:80")}: {drain: drainOrder{true, since, since.Add(time.Hour), false, 7}},
		{"group web", netip.MustParseAddrPort("[2001:db8::1]:0")}:    {drain: drainOrder{ordered: true, since: since, drained: true}, weight: weightOrder{true, 65535, since, 1}},
		{"FWM 4 IPv6", netip.MustParseAddrPort("10.0.0.1:80")}:       {weight: weightOrder{ordered: true, since: since}},
	}
}

// TestOrdersFile: what is written is read as it was, also over what a crash left.
func TestOrdersFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.json")
	if o, err := readOrders(path); err != nil || len(o) > 0 {
		t.Errorf("without a file: %v, %v", o, err)
	}
	must(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".orders.json.new"), []byte("{"), 0o600))
	for _, want := range []orders{remembered(), nil} {
		must(t, writeOrders(path, want))
		if got, err := readOrders(path); err != nil || !maps.Equal(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	if err := writeOrders(filepath.Join(path, "below"), nil); err == nil {
		t.Error("written below a file")
	}
}

// TestOrdersFilesThatAreNone: nothing of a file with an error counts, and the error names it.
func TestOrdersFilesThatAreNone(t *testing.T) {
	one := func(order string) string { return `{"version": 1, "orders": [` + order + `]}` }
	for text, want := range map[string]string{
		"":               "EOF",
		"{":              "unexpected EOF",
		`{"version": 2}`: "its version is 2, not 1",
		one(`{"service": "", "real_server": "10.0.0.1:80", "drain": {}}`):                      "order 1 names no server",
		one(`{"service": "FWM 1", "drain": {}}`):                                               "order 1 names no server",
		one(`{"service": "FWM 1", "real_server": "10.0.0.1"}`):                                 "not an ip:port",
		one(`{"service": "FWM 1", "real_server": "10.0.0.1:80", "weight": {"weight": 65536}}`): "order 1: the weight 65536 is not in 0 to 65535",
		one(`{"service": "FWM 1", "real_server": "10.0.0.1:80", "weight": {"weight": -1}}`):    "order 1: the weight -1 is not in 0 to 65535",
	} {
		path := filepath.Join(t.TempDir(), "orders.json")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if o, err := readOrders(path); err == nil || len(o) > 0 || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v", text, o, err)
		}
	}
	if _, err := readOrders(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}

// FuzzOrders: a file of any content is read or refused, and what was read is written as it was.
func FuzzOrders(f *testing.F) {
	text, err := formatOrders(remembered())
	must(f, err)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := parseOrders(text)
		if err != nil {
			return
		}
		again, err := formatOrders(o)
		must(t, err)
		back, err := parseOrders(again)
		must(t, err)
		third, err := formatOrders(back)
		if must(t, err); string(third) != string(again) {
			t.Fatalf("%s\n%s", again, third)
		}
	})
}
