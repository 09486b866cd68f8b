package track

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestValue(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "\n": 0, "0": 0, "5": 5, "5\n": 5, "-3": -3, "+7": 7, " \t\n12 34": 12, "12abc": 12, "abc": 0, "-": 0, "--5": 0, "+-5": 0,
		"1.9": 1, "0x10": 0, "007": 7, "2147483647": maxValue, "2147483648": maxValue, "-2147483648": -maxValue,
		"99999999999999999999999999": maxValue, "-99999999999999999999999999": -maxValue, "٣": 0, "5\x00": 5,
	} {
		if got := value(text); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The value is that of the file, whichever way it is written, replaced, removed or made again.
func TestFileIsFollowed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "value")
	var h heard
	s := NewSet(h.add)
	defer s.Close()
	spec := File{Path: path}
	s.Apply(specs(spec))
	now := func(want int) {
		t.Helper()
		eventually(t, "the value", func() bool { r := s.Readings()[spec]; return r.State == Up && r.Value == want && r.Fault == nil })
	}
	now(0) // the directory is missing
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, path, "5\n")
	now(5)
	write(t, path, "-7")
	now(-7)
	write(t, path+".new", "12")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	now(12)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	now(0)
	if err := os.Symlink("value.old", path); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "sub", "other"), "99")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, "3")
	now(3)
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	now(0)
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, path, "4")
	now(4)
	for _, line := range h.lines() {
		if strings.Contains(line, "99") {
			t.Error(line)
		}
	}
}

// A writer that empties the file first is not seen in between.
func TestHalfWrittenFileIsNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "value")
	write(t, path, "5")
	var h heard
	s := NewSet(h.add)
	defer s.Close()
	s.Apply(specs(File{Path: path}))
	h.waitFor(t, "unknown 0 -> up 5 ")
	for range 50 {
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString("5"); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	write(t, path, "6")
	eventually(t, "the last value", func() bool { l := h.lines(); return l[len(l)-1] == "up 5 -> up 6 " })
}

// What cannot be read says nothing.
func TestFileThatIsNone(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, dir, filepath.Join(dir, "loop"), "/dev/null"} {
		var h heard
		s := NewSet(h.add)
		spec := File{Path: path}
		s.Apply(specs(spec))
		eventually(t, path, func() bool { return s.Readings()[spec].Fault != nil })
		if r := s.Readings()[spec]; r.State != Unknown {
			t.Errorf("%s: %+v", path, r)
		}
		s.Close()
	}
}

func TestInitFile(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		before, want string
		file         File
	}{
		"new":         {"", "5\n", File{Init: true, InitValue: 5}},
		"there":       {"7", "7", File{Init: true, InitValue: 5}},
		"overwritten": {"77777", "-5\n", File{Init: true, Overwrite: true, InitValue: -5}},
		"not asked":   {"", "", File{InitValue: 5}},
	} {
		c.file.Path = filepath.Join(dir, name)
		if c.before != "" {
			write(t, c.file.Path, c.before)
		}
		s := NewSet(func(Change) {})
		s.Apply(specs(c.file))
		eventually(t, name, func() bool { r := s.Readings()[c.file]; return r.State == Up && r.Value == value(c.want) })
		s.Close()
		if text, _ := os.ReadFile(c.file.Path); string(text) != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
	// A link is not followed: it could lead anywhere.
	victim := filepath.Join(dir, "victim")
	write(t, victim, "x")
	if err := os.Symlink(victim, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var h heard
	s := NewSet(h.add)
	defer s.Close()
	s.Apply(specs(File{Path: filepath.Join(dir, "link"), Init: true, Overwrite: true, InitValue: 5}))
	eventually(t, "a reading", func() bool { return len(h.lines()) > 0 })
	if text, _ := os.ReadFile(victim); string(text) != "x" {
		t.Errorf("the link's target has %q", text)
	}
	// Who looks at the file already does not write it again.
	path := filepath.Join(dir, "again")
	first := File{Path: path, Init: true, Overwrite: true, InitValue: 1}
	s.Apply(specs(first))
	eventually(t, "the first", func() bool { return s.Readings()[first].Value == 1 })
	write(t, path, "9")
	second := first
	second.InitValue = 2
	s.Apply(specs(second))
	eventually(t, "the second", func() bool { return s.Readings()[second].Value == 9 })
}
