//go:build netns

package replace

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDisk: the old file stays where the disk is full or can only be read.
func TestDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=16k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "state.json")
	if err := Bytes(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := Bytes(path, make([]byte, 1<<16)); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	holds(t, path, "old")
	if err := unix.Mount("none", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := Bytes(path, []byte("new")); !errors.Is(err, unix.EROFS) {
		t.Errorf("on a disk that can only be read: %v", err)
	}
	holds(t, path, "old")
}
