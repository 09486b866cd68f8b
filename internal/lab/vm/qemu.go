package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// machine is what can be chosen about the virtual machine.
type machine struct {
	memory int // MiB
	share  []string
	timing bool
}

// runInVM boots the kernel, runs the program in it and returns its exit code.
func runInVM(ctx context.Context, args []string, m machine) (int, error) {
	start := time.Now()
	qemu, err := tool("qemu-system-x86_64", "qemu-system-x86")
	if err != nil {
		return 0, err
	}
	k, err := findKernel(ctx)
	if err != nil {
		return 0, err
	}
	j, err := newJob(k, args, m)
	if err != nil {
		return 0, err
	}
	tmp, err := os.MkdirTemp("", "lvsd-vm-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	initramfs, console := filepath.Join(tmp, "initramfs"), filepath.Join(tmp, "console")
	b, err := buildInitramfs(k, j)
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(initramfs, b, 0o600); err != nil {
		return 0, err
	}

	// The kernel ends the child with the thread that made it (Pdeathsig), so that no machine outlives this process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, qemu, qemuArgs(k, m, initramfs, console)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	var messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &messages, &messages
	output, input, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer output.Close()
	cmd.ExtraFiles = []*os.File{input} // descriptor 3, see qemuArgs
	// The emulated processors must keep up with timers and timeouts on a machine that has other work too. Refused, it goes on.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, -10) // of this thread, and so of its child
	err = cmd.Start()
	_ = input.Close() // the child's copy is the one that counts
	if err != nil {
		return 0, err
	}
	relay := relay{to: os.Stdout, marker: []byte(j.Marker)}
	_, err = io.Copy(&relay, output)
	cancel()
	_ = cmd.Wait() // its exit says nothing: it is killed when the answer is here
	if m.timing && !relay.first.IsZero() {
		fmt.Fprintf(os.Stderr, "vm: first output after %.1fs, all %.1fs\n", relay.first.Sub(start).Seconds(), time.Since(start).Seconds())
	}
	if errors.Is(err, errAnswered) {
		return relay.code, nil
	}
	log, _ := os.ReadFile(console) // what there is of it
	return 0, fmt.Errorf("the virtual machine ended without an answer; its console said:\n%s%s", messages.Bytes(), tail(log, 30))
}

func newJob(k kernel, args []string, m machine) (job, error) {
	dir, err := os.Getwd()
	if err != nil {
		return job{}, err
	}
	j := job{Modules: k.modules, Release: k.release, Dir: dir, Env: environment(), Args: args, Marker: "\x00" + rand.Text() + " "}
	if j.Early, err = moduleFiles(k.modules, earlyModules); err != nil {
		return job{}, err
	}
	late, err := moduleFiles(k.modules, lateModules)
	if err != nil {
		return job{}, err
	}
	for _, file := range late {
		j.Late = append(j.Late, filepath.Join(k.modules, file))
	}
	for _, dir := range m.share {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return job{}, err
		}
		j.Share = append(j.Share, dir)
	}
	return j, nil
}

// environment is the part of the caller's that means the same in the virtual machine.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case name == "PATH", name == "HOME", name == "TERM", name == "LANG", name == "TZ", name == "TMPDIR",
			strings.HasPrefix(name, "GO"), strings.HasPrefix(name, "LVSD_"), strings.HasPrefix(name, "LC_"):
			env = append(env, v)
		}
	}
	return env
}

// buildInitramfs packs this very program, the early modules and the job.
func buildInitramfs(k kernel, j job) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return nil, err
	}
	if err := static(program); err != nil {
		return nil, err
	}
	var a archive
	a.add("dev", modeDir, nil)
	a.entry("dev/console", modeChar, nil, 5, 1) // what the first process gets as stdin, stdout and stderr
	a.add("modules", modeDir, nil)
	for i, file := range j.Early {
		b, err := os.ReadFile(filepath.Join(k.modules, file))
		if err != nil {
			return nil, err
		}
		j.Early[i] = "/modules/" + filepath.Base(file)
		a.add(j.Early[i][1:], modeFile, b)
	}
	b, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	a.add(guestJob[1:], modeFile, b)
	a.add(guestInit[1:], modeFile, program)
	return a.bytes(), nil
}

// static tells whether a program runs where there is no C library.
func static(program []byte) error {
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return err
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("vm was linked dynamically and cannot be the first process: build it with CGO_ENABLED=0")
		}
	}
	return nil
}

func qemuArgs(k kernel, m machine, initramfs, console string) []string {
	cpu := []string{"-accel", "tcg,thread=multi", "-cpu", "Nehalem"}
	if os.Getenv("LVSD_VM_ACCEL") == "kvm" {
		cpu = []string{"-accel", "kvm", "-cpu", "host"}
	}
	// quiet and loglevel keep the console, which is slow, to what matters when the boot goes wrong.
	const cmdline = "console=ttyS0 quiet loglevel=3 panic=-1 rdinit=" + guestInit +
		" mitigations=off nokaslr random.trust_cpu=on audit=0 nmi_watchdog=0 net.ifnames=0"
	args := append(cpu, "-machine", "q35", "-smp", "2", "-m", strconv.Itoa(m.memory),
		"-nodefaults", "-display", "none", "-no-reboot",
		"-kernel", k.image, "-initrd", initramfs, "-append", cmdline,
		"-serial", "file:"+console,
		"-device", "virtio-rng-pci",
		"-add-fd", "fd=3,set=1", "-chardev", "file,id=out,path=/dev/fdset/1,append=on",
		"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=out,nr=1",
		"-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap")
	for n, dir := range m.share {
		args = append(args, "-virtfs", fmt.Sprintf("local,path=%s,mount_tag=share%d,security_model=none,multidevs=remap", dir, n))
	}
	return args
}

// tail returns the last lines of a log.
func tail(log []byte, lines int) string {
	all := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(log), "\r", "")), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
