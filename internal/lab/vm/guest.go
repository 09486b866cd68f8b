package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guestInit is the name this program has in the virtual machine, where it is the first process.
const guestInit = "/lvsd-vm-guest"

// guestJob is the file in the initramfs that says what to do.
const guestJob = "/job.json"

// job is what the host asks of the guest.
type job struct {
	Early   []string // modules in the initramfs, in load order
	Late    []string // modules on the host's file system, in load order
	Modules string   // directory of all modules on the host's file system
	Release string   // the kernel's release
	Share   []string // directories to mount writable; the tag of the n-th is share<n>
	Dir     string   // working directory
	Env     []string
	Args    []string
	Marker  string // written to the output port before the exit code
}

// guest is the whole life of the first process: mount, run the job, answer, power off.
func guest() {
	if err := guestRun(); err != nil {
		fmt.Fprintln(os.Stderr, "vm guest:", err) // the console, which the host shows when no answer comes
	}
	unix.Sync()
	fmt.Fprintln(os.Stderr, "vm guest: power off:", unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF))
}

func guestRun() error {
	var j job
	b, err := os.ReadFile(guestJob)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("read %s: %w", guestJob, err)
	}
	if err := mount("dev", "/dev", "devtmpfs", 0, ""); err != nil {
		return err
	}
	for _, m := range j.Early {
		if err := loadModule(m); err != nil {
			return err
		}
	}
	out, err := openPort(10 * time.Second)
	if err != nil {
		return err
	}
	if err := switchRoot(j); err != nil {
		return err
	}
	for _, m := range j.Late {
		if err := loadModule(m); err != nil {
			return err
		}
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	code := runJob(j, out)
	for _, dir := range j.Share {
		if err := unix.Unmount(dir, 0); err != nil && !errors.Is(err, unix.EBUSY) {
			fmt.Fprintf(out, "vm: unmount %s: %s\n", dir, err)
		}
	}
	unix.Sync()
	if _, err := fmt.Fprintf(out, "%s%d\n", j.Marker, code); err != nil {
		return fmt.Errorf("answer the host: %w", err)
	}
	// The host ends the machine when it has read the answer; powering off now could lose it.
	time.Sleep(10 * time.Second)
	return nil
}

// switchRoot makes the host's file system, read-only under a layer in memory, the root.
func switchRoot(j job) error {
	const options = "trans=virtio,version=9p2000.L,msize=512000,cache=loose"
	const layer = "lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work"
	steps := []struct {
		source, target, fstype string
		flags                  uintptr
		data                   string
	}{
		{"host", "/host", "9p", unix.MS_RDONLY, options},
		{"memory", "/memory", "tmpfs", 0, "mode=755"},
		{"root", "/root", "overlay", 0, layer},
		{"/dev", "/root/dev", "", unix.MS_MOVE, ""},
		{"proc", "/root/proc", "proc", 0, ""},
		{"sysfs", "/root/sys", "sysfs", 0, ""},
		{"cgroup", "/root/sys/fs/cgroup", "cgroup2", 0, ""},
		{"run", "/root/run", "tmpfs", 0, "mode=755"},
		{"devpts", "/root/dev/pts", "devpts", 0, "mode=620,ptmxmode=666"},
		{"shm", "/root/dev/shm", "tmpfs", 0, "mode=1777"},
	}
	for _, s := range steps {
		if err := mount(s.source, s.target, s.fstype, s.flags, s.data); err != nil {
			return err
		}
		if s.target == "/memory" {
			for _, dir := range []string{"/memory/upper", "/memory/work"} {
				if err := os.Mkdir(dir, 0o755); err != nil {
					return err
				}
			}
		}
	}
	for n, dir := range j.Share {
		if err := mount(fmt.Sprintf("share%d", n), filepath.Join("/root", dir), "9p", 0, strings.ReplaceAll(options, "loose", "none")); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Chdir("/root"), unix.Mount(".", "/", "", unix.MS_MOVE, ""), unix.Chroot("."), os.Chdir("/")); err != nil {
		return fmt.Errorf("switch to the host's root: %w", err)
	}
	for _, l := range [][2]string{{"/proc/self/fd", "/dev/fd"}, {"pts/ptmx", "/dev/ptmx"}} {
		_ = os.Remove(l[1])
		if err := os.Symlink(l[0], l[1]); err != nil {
			return err
		}
	}
	if err := os.MkdirAll("/run/netns", 0o755); err != nil {
		return err
	}
	if err := linkModules(j); err != nil {
		return err
	}
	return unix.Sethostname([]byte("lvsd-vm"))
}

// linkModules lets modprobe, and the kernel itself, find the modules of this kernel.
func linkModules(j job) error {
	dir := "/lib/modules"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, j.Release)
	if _, err := os.Lstat(path); err == nil {
		return nil // the host has this very kernel installed
	}
	return os.Symlink(j.Modules, path)
}

func mount(source, target, fstype string, flags uintptr, data string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return fmt.Errorf("mount %s (%s) on %s: %w", source, fstype, target, err)
	}
	return nil
}

func loadModule(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(file, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	if err := unix.FinitModule(int(f.Fd()), "", flags); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("load module %s: %w", file, err)
	}
	return nil
}

// openPort opens the port that leads to the host's stdout; the kernel makes it some time after the driver was loaded.
func openPort(patience time.Duration) (*os.File, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		// Blocking: with O_NONBLOCK a full queue would be an error for programs that inherit the descriptor.
		ports, err := filepath.Glob("/dev/vport*p1")
		if err == nil && len(ports) == 1 {
			fd, err := unix.Open(ports[0], unix.O_WRONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil, fmt.Errorf("open the output port: %w", err)
			}
			return os.NewFile(uintptr(fd), "output port"), nil
		}
		if time.Now().After(deadline) {
			return nil, errors.New("the virtual machine has no output port")
		}
	}
}

func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr)
}

// runJob runs the program and returns its exit code, reaping whatever else ends meanwhile: this is process 1.
func runJob(j job, out *os.File) int {
	broken := func(err error) int {
		fmt.Fprintln(out, "vm:", err)
		return exitBroken
	}
	os.Clearenv()
	for _, v := range j.Env {
		if name, value, ok := strings.Cut(v, "="); ok {
			if err := os.Setenv(name, value); err != nil {
				return broken(err)
			}
		}
	}
	if err := os.Chdir(j.Dir); err != nil {
		return broken(err)
	}
	path, err := exec.LookPath(j.Args[0])
	if err != nil {
		return broken(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return broken(err)
	}
	p, err := os.StartProcess(path, j.Args, &os.ProcAttr{Files: []*os.File{null, out, out}, Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		return broken(err)
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return broken(fmt.Errorf("wait for %s: %w", path, err))
		case pid == p.Pid:
			return shellCode(status)
		}
	}
}
