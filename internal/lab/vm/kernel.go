package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// kernel is an unpacked Debian kernel package.
type kernel struct {
	release string // as uname -r says it
	image   string // path of the boot image
	modules string // directory that holds modules.dep
}

// metaPackage depends on Debian's current generic kernel. The cloud kernel will not do: it has no 9p.
const metaPackage = "linux-image-amd64"

// findKernel returns the kernel in the cache, fetching one first if there is none.
func findKernel(ctx context.Context) (kernel, error) {
	if runtime.GOARCH != "amd64" {
		return kernel{}, fmt.Errorf("no kernel for %s: the virtual machine is only made for amd64", runtime.GOARCH)
	}
	cache, err := cacheDir()
	if err != nil {
		return kernel{}, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return kernel{}, fmt.Errorf("create the kernel cache: %w", err)
	}
	unlock, err := lock(filepath.Join(cache, "lock"))
	if err != nil {
		return kernel{}, err
	}
	defer unlock()
	unpacked := filepath.Join(cache, "kernel")
	if !exists(unpacked) {
		if err := fetch(ctx, cache, unpacked); err != nil {
			return kernel{}, err
		}
	}
	return openKernel(unpacked)
}

// cacheDir is LVSD_CACHE, or .cache/vm in the module that the working directory is part of.
func cacheDir() (string, error) {
	if dir := os.Getenv("LVSD_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if exists(filepath.Join(dir, "go.mod")) {
			return filepath.Join(dir, ".cache", "vm"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the working directory: set LVSD_CACHE to the directory for the kernel")
		}
		dir = filepath.Dir(dir)
	}
}

// lock keeps two runs from fetching the kernel at the same time.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the kernel cache: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// fetch downloads Debian's current kernel package and unpacks it to dst; nothing is installed.
func fetch(ctx context.Context, cache, dst string) error {
	depmod, err := tool("depmod", "kmod")
	if err != nil {
		return err
	}
	depends, err := output(ctx, "", "apt-cache", "depends", metaPackage)
	if err != nil {
		return err
	}
	var pkg string
	for _, field := range strings.Fields(depends) {
		if strings.HasPrefix(field, "linux-image-") && field != metaPackage {
			pkg = field
			break
		}
	}
	if pkg == "" {
		return fmt.Errorf("apt knows no package %s: run apt-get update (make kernel does)", metaPackage)
	}
	tmp, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return fmt.Errorf("fetch the kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	fmt.Fprintf(os.Stderr, "vm: fetching %s\n", pkg)
	if _, err := output(ctx, tmp, "apt-get", "download", "-q", pkg); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("apt-get download %s left %d packages in %s", pkg, len(debs), tmp)
	}
	tree := filepath.Join(tmp, "tree")
	if _, err := output(ctx, tmp, "dpkg", "-x", debs[0], tree); err != nil {
		return err
	}
	if !exists(filepath.Join(tree, "lib")) {
		if err := os.Symlink("usr/lib", filepath.Join(tree, "lib")); err != nil { // depmod looks in lib
			return err
		}
	}
	if _, err := output(ctx, tmp, depmod, "-b", tree, strings.TrimPrefix(pkg, "linux-image-")); err != nil {
		return err
	}
	k, err := openKernel(tree)
	if err != nil {
		return err
	}
	if err := decompress(ctx, k.image); err != nil {
		return err
	}
	return os.Rename(tree, dst)
}

// output runs a program and returns what it printed; its messages go into the error.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

// decompress writes the plain kernel beside its xz-compressed boot image: QEMU starts that directly (PVH), which saves the
// emulated processor some four seconds of unpacking. An image compressed otherwise is used as it is.
func decompress(ctx context.Context, image string) error {
	b, err := os.ReadFile(image)
	if err != nil {
		return fmt.Errorf("read the boot image: %w", err)
	}
	at := bytes.Index(b, []byte("\xfd7zXZ\x00"))
	if at < 0 {
		return nil
	}
	xz, err := tool("xz", "xz-utils")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, xz, "-dc", "--single-stream")
	cmd.Stdin = bytes.NewReader(b[at:])
	plain, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("decompress %s: %w", image, err)
	}
	return os.WriteFile(plainImage(image), plain, 0o644)
}

// plainImage is where the decompressed form of a boot image is.
func plainImage(image string) string { return filepath.Join(filepath.Dir(image), "vmlinux") }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// openKernel finds its way in an unpacked package.
func openKernel(tree string) (kernel, error) {
	images, err := filepath.Glob(filepath.Join(tree, "boot", "vmlinuz-*"))
	if err != nil || len(images) != 1 {
		return kernel{}, fmt.Errorf("%s holds %d kernels instead of one: remove the directory to have it fetched again", tree, len(images))
	}
	k := kernel{image: images[0], release: strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-")}
	if plain := plainImage(k.image); exists(plain) {
		k.image = plain
	}
	k.modules = filepath.Join(tree, "lib", "modules", k.release)
	return k, nil
}
