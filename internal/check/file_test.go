package check

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFile(t *testing.T) {
	dir := t.TempDir()
	ask := func(path string, factor int) result {
		return probeResult(t, asks(File, netip.AddrPort{}, 5*time.Second, FileRequest{Path: path, Factor: factor}))
	}
	for _, c := range []struct {
		text   string
		factor int
		want   string
		offset int
	}{
		{"0\n", 0, "", 0},
		{"", 0, "", 0},
		{"words", 0, "", 0},
		{" 7\n", 0, "says 7, want 0", 0},
		{"-1", 0, "says -1, want 0", 0},
		{"5", 2, "", 10},
		{"-5 and more", 2, "", -10},
		{"+5", -1, "", -5},
		{"99999999999", 1, "", 1<<31 - 1},
		{"-99999999999", 1, "says -2147483648, which is 1 times the weight", 0},
	} {
		path := file(t, dir, "number", c.text)
		r := ask(path, c.factor)
		if c.want == "" && r.err != nil || c.want != "" && (r.err == nil || !strings.HasSuffix(r.err.Error(), c.want)) {
			t.Errorf("%q times %d: %v, want %q", c.text, c.factor, r.err, c.want)
		}
		if r.found.Offset != c.offset {
			t.Errorf("%q times %d: %d, want %d", c.text, c.factor, r.found.Offset, c.offset)
		}
	}
	if r := ask(dir+"/none", 0); r.err != nil {
		t.Errorf("a file that is not there: %v", r.err)
	}
	if err := syscall.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/directory", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fifo", "directory"} {
		var f *fault
		if r := ask(dir+"/"+name, 0); !errors.As(r.err, &f) {
			t.Errorf("%s: %v, want a fault of ours", name, r.err)
		}
	}
}
