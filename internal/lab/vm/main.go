// Command vm runs a program on a kernel that has IPVS.
//
// Where the running kernel has ip_vs and the caller is root, the program is run as it is. Everywhere else Debian's generic
// kernel is booted under QEMU with this machine's root file system, read-only, under a scratch layer in memory: the program
// finds every file and tool of the machine at its usual place, in the same working directory, as root, and what it writes is
// gone afterwards (but see -share). Its output and exit code are passed on.
//
//	go run ./internal/lab/vm -- ipvsadm -Ln
//	go test -tags vm -exec "go run lvsd/internal/lab/vm" ./internal/ipvs
//
// Exit codes of its own: 124 the time was up, 125 the virtual machine could not be started or ended without an answer.
//
// LVSD_CACHE names the directory of the unpacked kernel (default .cache/vm beside go.mod). LVSD_VM_ACCEL=kvm uses hardware
// virtualisation; the default is QEMU's own emulation, which needs nothing from the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const (
	exitTimeout = 124
	exitBroken  = 125
)

// dirs is a flag that may be given several times.
type dirs []string

func (d *dirs) String() string     { return strings.Join(*d, ",") }
func (d *dirs) Set(s string) error { *d = append(*d, s); return nil }

func main() {
	if os.Args[0] == guestInit {
		guest()
		return
	}
	var share dirs
	flag.Var(&share, "share", "directory `DIR` that the program may write to; may be repeated")
	timeout := flag.Duration("timeout", 8*time.Minute, "how long boot and program may take together")
	memory := flag.Int("m", 2048, "memory of the virtual machine in MiB")
	boot := flag.Bool("boot", false, "boot a virtual machine even where the running kernel has IPVS")
	prepare := flag.Bool("prepare", false, "only fetch and unpack the kernel, if one is needed")
	timing := flag.Bool("timing", false, "say on stderr how long boot and program took")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: vm [flags] -- command [argument...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 && !*prepare {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()

	var code int
	var err error
	switch direct := !*boot && usable(); {
	case direct && *prepare:
	case direct:
		code, err = runHere(ctx, flag.Args())
	case *prepare:
		_, err = findKernel(ctx)
	default:
		code, err = runInVM(ctx, flag.Args(), machine{memory: *memory, share: share, timing: *timing})
	}
	switch {
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		fmt.Fprintf(os.Stderr, "vm: %s did not end within %s (flag -timeout)\n", strings.Join(flag.Args(), " "), *timeout)
		if err != nil {
			fmt.Fprintln(os.Stderr, "vm:", err)
		}
		code = exitTimeout
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "vm: interrupted")
		code = exitBroken
	case err != nil:
		fmt.Fprintln(os.Stderr, "vm:", err)
		code = exitBroken
	}
	os.Exit(code)
}

// usable reports whether programs can use IPVS on the running kernel, loading the module where that is possible.
func usable() bool {
	if os.Geteuid() != 0 {
		return false
	}
	const proof = "/proc/net/ip_vs" // appears with the module
	if _, err := os.Stat(proof); err == nil {
		return true
	}
	if modprobe, err := tool("modprobe", "kmod"); err == nil {
		_ = exec.Command(modprobe, "-q", "ip_vs").Run() // the file is the answer
	}
	_, err := os.Stat(proof)
	return err == nil
}

// runHere runs the program on the running kernel and returns its exit code.
func runHere(ctx context.Context, args []string) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return shellCode(exit.Sys().(syscall.WaitStatus)), nil
	}
	return 0, err
}

// shellCode is the number a shell would show: the exit code, or 128 and the signal.
func shellCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// tool finds a program, also where only root has it in PATH; pkg is the Debian package that holds it.
func tool(name, pkg string) (string, error) {
	for _, try := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(try); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing: apt-get install %s (make deps installs all that is needed)", name, pkg)
}
