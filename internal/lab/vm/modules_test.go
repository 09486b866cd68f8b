package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestModuleFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("modules.dep", `kernel/lib/libcrc32c.ko:
kernel/net/nf_conntrack.ko.xz: kernel/net/nf_defrag.ko kernel/lib/libcrc32c.ko
kernel/net/nf_defrag.ko:
kernel/net/ip_vs.ko: kernel/net/nf_conntrack.ko.xz kernel/net/nf_defrag.ko kernel/lib/libcrc32c.ko
kernel/net/ip-vs-rr.ko: kernel/net/ip_vs.ko kernel/net/nf_conntrack.ko.xz kernel/net/nf_defrag.ko kernel/lib/libcrc32c.ko
`)
	write("modules.builtin", "kernel/net/packet/af_packet.ko\n")

	got, err := moduleFiles(dir, []string{"ip_vs_rr", "af_packet", "ip_vs"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"kernel/lib/libcrc32c.ko", "kernel/net/nf_defrag.ko", "kernel/net/nf_conntrack.ko.xz", "kernel/net/ip_vs.ko", "kernel/net/ip-vs-rr.ko"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("load order (-want +got):\n%s", diff)
	}
	if _, err := moduleFiles(dir, []string{"ip_vs_none"}); err == nil {
		t.Error("a module that does not exist is no error")
	}
}
