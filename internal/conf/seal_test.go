package conf

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSeal: a file that is as it was is known again; whatever could make another configuration of it is noticed.
func TestSeal(t *testing.T) {
	const plain = "virtual_server 192.0.2.1 80 {\nprotocol TCP\nreal_server 10.0.0.1 80 {\n}\n}\n"
	const hcl = `virtual_server "192.0.2.1" "80" {
  real_server "10.0.0.1" "80" {}
}
`
	for _, c := range []struct {
		name, file, text string
		known            bool
	}{
		{"keepalived.conf", "a.conf", plain, true},
		{"HCL", "a.hcl", hcl, true},
		{"a directory", "d/a.hcl", hcl, true},
		{"with an include", "a.conf", plain + "include *.more\n", false},
		{"with a file that it reads", "a.hcl", hcl + "locals {\n  a = try(file(\"none\"), \"\")\n}\n", false},
		{"with a warning", "a.conf", plain + "global_defs {\nnotification_email {\na@example.com\n}\n}\n", false},
		{"with an error", "a.conf", plain + "nosuch\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file, o := filepath.Join(dir, c.file), Options{Hostname: "lb1"}
			write := func(name, text string) {
				t.Helper()
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write(file, c.text)
			path := file
			if filepath.Dir(file) != dir {
				path = filepath.Dir(file)
			}
			s := Load(path, o).Seal
			if s.known != c.known || s.Unchanged(path, o) != c.known {
				t.Fatalf("%+v", s)
			}
			if !c.known {
				return
			}
			write(file, c.text+"\n")
			if s.Unchanged(path, o) {
				t.Error("another text is taken for the same")
			}
			write(file, c.text)
			if !s.Unchanged(path, o) {
				t.Error("the text is there again, and is not known")
			}
			if path != file {
				write(filepath.Join(path, "b.hcl"), "")
				if s.Unchanged(path, o) {
					t.Error("another file in the directory goes unnoticed")
				}
				return
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if s.Unchanged(path, o) {
				t.Error("a file that is not there is taken for the same")
			}
		})
	}
	if (Seal{}).Unchanged("nosuch", Options{}) {
		t.Error("nothing is taken for the same")
	}
}
