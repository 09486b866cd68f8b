package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWhatIsNoFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, maxSize+1); err != nil {
		t.Fatal(err)
	}
	for path, cause := range map[string]string{
		dir:                        "it is a directory; name a file",
		fifo:                       "it is a FIFO; name a regular file",
		"/dev/null":                "it is not a regular file",
		huge:                       "too large: a configuration has at most 64 MiB",
		loop:                       "too many levels of symbolic links",
		filepath.Join(dir, "none"): "no such file or directory",
	} {
		for _, format := range []Format{HCL, Keepalived} {
			r := Load(path, Options{Format: format})
			want := path + ":1:1: The configuration cannot be read: " + cause
			if path == dir && format == HCL {
				want = path + ":1:1: The configuration cannot be read: no file in this directory has a name that ends in .hcl; name a file"
			}
			if len(r.Diags) != 1 || OneLine(r.Diags[0]) != want || r.Config != nil {
				t.Errorf("%q, want %q", lines(r.Diags), want)
			}
		}
		main := filepath.Join(dir, "main.conf")
		if err := os.WriteFile(main, []byte("include "+path+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r := Load(main, Options{})
		want := main + ":1:9: Include of " + path + ": " + cause
		if len(r.Diags) != 1 || OneLine(r.Diags[0]) != want {
			t.Errorf("%q, want %q", lines(r.Diags), want)
		}
	}
}

func TestIncludesTogetherAreBounded(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("size", func(t *testing.T) {
		rest := write("rest", "")
		if err := os.Truncate(rest, maxSize-10); err != nil {
			t.Fatal(err)
		}
		r := Load(write("main.conf", "include rest\n"), Options{})
		want := filepath.Join(dir, "main.conf") + ":1:9: Include of " + rest + ": too large: a configuration has at most 64 MiB"
		if len(r.Diags) != 1 || OneLine(r.Diags[0]) != want {
			t.Errorf("%q", lines(r.Diags))
		}
	})
	t.Run("depth", func(t *testing.T) {
		for i := range 40 {
			write(fmt.Sprintf("d%d", i), fmt.Sprintf("include d%d\n", i+1))
		}
		r := Load(filepath.Join(dir, "d0"), Options{})
		if len(r.Diags) != 1 || !strings.HasSuffix(r.Diags[0].Summary, "too deep; at most 32 files include one another") {
			t.Errorf("%q", lines(r.Diags))
		}
	})
	t.Run("number", func(t *testing.T) {
		for i := range 14 {
			write(fmt.Sprintf("e%d", i), fmt.Sprintf("include e%d\ninclude e%d\n", i+1, i+1))
		}
		write("e14", "")
		r := Load(filepath.Join(dir, "e0"), Options{})
		if len(r.Diags) == 0 || !strings.HasSuffix(r.Diags[0].Summary, "too many files; at most 4096 are included") {
			t.Errorf("%q", lines(r.Diags)[:min(3, len(r.Diags))])
		}
	})
}

func TestIncludeKeepsPositions(t *testing.T) {
	r := Load("testdata/include/main.conf", Options{})
	if len(r.Diags) != 0 {
		t.Fatalf("%q", lines(r.Diags))
	}
	var got []string
	for _, s := range r.Config.Services[0].RealServers {
		got = append(got, s.Address.String()+" at "+place(s.Range))
	}
	want := "10.0.0.2:80 at testdata/include/servers/a.conf:1:1, 10.0.0.3:80 at testdata/include/servers/b.conf:2:1, " +
		"10.0.0.4:80 at testdata/include/main.conf:8:5"
	if strings.Join(got, ", ") != want {
		t.Errorf("%q", got)
	}
	if len(r.Files) != 6 {
		t.Errorf("%d files were read", len(r.Files))
	}
}
