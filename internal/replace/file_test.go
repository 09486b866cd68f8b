package replace

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// holds fails the test unless the directory of path has that file alone, with that content.
func holds(t *testing.T, path, content string) {
	t.Helper()
	if b, err := os.ReadFile(path); err != nil || string(b) != content {
		t.Errorf("the file is %q, %v; want %q", b, err, content)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("in the directory are %v, %v; want the file alone", entries, err)
	}
}

func old(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.json")
	if err := Bytes(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReplaces(t *testing.T) {
	path := old(t)
	holds(t, path, "old")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	err := File(path, func(w io.Writer) error {
		if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
			t.Errorf("a reader finds %q, %v while the new content is written", b, err)
		}
		_, err := io.WriteString(w, "new")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

// TestLeftover: nothing that stands where the new file is made holds the writer.
func TestLeftover(t *testing.T) {
	for name, leave := range map[string]func(string) error{
		"of a crash": func(next string) error { return os.WriteFile(next, []byte("longer than what follows"), 0o600) },
		"a pipe":     func(next string) error { return unix.Mkfifo(next, 0o600) },
		"a link":     func(next string) error { return os.Symlink("/dev/full", next) },
		"directory":  func(next string) error { return os.Mkdir(next, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			path := old(t)
			if err := leave(filepath.Join(filepath.Dir(path), ".state.json.new")); err != nil {
				t.Fatal(err)
			}
			if err := Bytes(path, []byte("new")); err != nil {
				t.Fatal(err)
			}
			holds(t, path, "new")
		})
	}
}

func TestErrors(t *testing.T) {
	broken := errors.New("broken")
	t.Run("of the content", func(t *testing.T) {
		path := old(t)
		err := File(path, func(w io.Writer) error {
			_, _ = w.Write(make([]byte, 1<<16))
			return broken
		})
		if !errors.Is(err, broken) {
			t.Error(err)
		}
		holds(t, path, "old")
	})
	t.Run("another writer", func(t *testing.T) {
		path := old(t)
		err := File(path, func(io.Writer) error { return Bytes(path, []byte("the other's")) })
		if err == nil {
			t.Error("no error")
		}
		holds(t, path, "the other's")
	})
	t.Run("another writer, not done yet", func(t *testing.T) {
		path := old(t)
		next := filepath.Join(filepath.Dir(path), ".state.json.new")
		err := File(path, func(io.Writer) error {
			return errors.Join(os.Remove(next), os.WriteFile(next, []byte("ha"), 0o600))
		})
		if err == nil {
			t.Error("no error")
		}
		if b, err := os.ReadFile(next); err != nil || string(b) != "ha" {
			t.Errorf("what the other has written is %q, %v", b, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
			t.Errorf("the file is %q, %v", b, err)
		}
	})
	t.Run("a directory in its place", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.json")
		if err := os.MkdirAll(filepath.Join(path, "below"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := Bytes(path, nil); err == nil {
			t.Error("no error")
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("in the directory are %v, %v; want the other directory alone", entries, err)
		}
	})
	t.Run("no directory", func(t *testing.T) {
		if err := Bytes(filepath.Join(t.TempDir(), "none", "state.json"), nil); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
}

// TestCrash: a process killed while it writes leaves the old file, and the next one writes.
func TestCrash(t *testing.T) {
	const variable = "REPLACE_TEST_CRASH"
	if path := os.Getenv(variable); path != "" {
		t.Fatal(File(path, func(w io.Writer) error {
			_, _ = w.Write(make([]byte, 1<<16))
			return unix.Kill(unix.Getpid(), unix.SIGKILL)
		}))
	}
	path := old(t)
	c := exec.Command("/proc/self/exe", "-test.run", "^TestCrash$")
	c.Env = append(os.Environ(), variable+"="+path)
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("not killed: %v: %s", err, out)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
		t.Errorf("the file is %q, %v after a crash", b, err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), ".state.json.new")); err != nil {
		t.Errorf("it was not killed while it wrote: %v", err)
	}
	if err := Bytes(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
}
