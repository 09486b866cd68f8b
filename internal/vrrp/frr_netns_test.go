//go:build netns

package vrrp

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// frr is FRR's vrrpd in a namespace, with the zebra and the macvlan interfaces that it needs. It has no sync groups.
type frr struct {
	w       *wire
	side    int
	configs []Config
	zebra   *exec.Cmd
	vrrpd   *exec.Cmd
	log     *journal // vrrpd's
}

// frrConf is vrrpd's file that says the same as configs.
func frrConf(configs []Config) string {
	var b strings.Builder
	b.WriteString("log stdout\ndebug vrrp\n")
	for _, c := range configs {
		fmt.Fprintf(&b, "interface %s\n vrrp %d version %d\n vrrp %d priority %d\n vrrp %d advertisement-interval %d\n",
			c.Interface, c.VRID, c.Version, c.VRID, c.Priority, c.VRID, c.Interval.Milliseconds())
		if !c.Preempt {
			fmt.Fprintf(&b, " no vrrp %d preempt\n", c.VRID)
		}
		family := "ip"
		if c.IPv6 {
			family = "ipv6"
		}
		for _, a := range c.Addresses {
			fmt.Fprintf(&b, " vrrp %d %s %v\n", c.VRID, family, a)
		}
	}
	return b.String()
}

// macvlan is the interface that vrrpd finds by its virtual MAC address, and takes down while it is backup.
func macvlan(c Config) (name, mac string) {
	if c.IPv6 {
		return fmt.Sprintf("vrrp6-%d", c.VRID), fmt.Sprintf("00:00:5e:00:02:%02x", c.VRID)
	}
	return fmt.Sprintf("vrrp4-%d", c.VRID), fmt.Sprintf("00:00:5e:00:01:%02x", c.VRID)
}

// directory is one that the user frr may write to.
func (f *frr) directory() string {
	t := f.w.t
	t.Helper()
	dir, err := os.MkdirTemp("", "frr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	u, err := user.Lookup("frr")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"zebra.conf": "log stdout\n", "vrrpd.conf": frrConf(f.configs)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, uid, -1); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (f *frr) start() {
	t, ns := f.w.t, f.w.side[f.side]
	t.Helper()
	for _, c := range f.configs {
		name, mac := macvlan(c)
		ip(t, "-n", ns, "link", "add", name, "link", c.Interface, "address", mac, "type", "macvlan", "mode", "bridge")
		for _, a := range c.Addresses {
			ip(t, "-n", ns, "addr", "add", fmt.Sprintf("%v/%d", a, prefixLength(a)), "dev", name)
		}
		ip(t, "-n", ns, "link", "set", name, "up")
	}
	dir := f.directory()
	run := func(name string, log *journal) *exec.Cmd {
		cmd := exec.Command("ip", "netns", "exec", ns, "/usr/lib/frr/"+name, "-f", filepath.Join(dir, name+".conf"),
			"-i", filepath.Join(dir, name+".pid"), "-z", filepath.Join(dir, "zserv"), "--vty_socket", dir)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			kill(cmd)
			if t.Failed() {
				t.Logf("%s of side %d:\n%s", name, f.side, log)
			}
		})
		return cmd
	}
	f.zebra = run("zebra", &journal{})
	eventually(t, "zebra listens", 15*time.Second, func() bool {
		_, err := os.Stat(filepath.Join(dir, "zserv"))
		return err == nil
	})
	f.log = &journal{}
	f.vrrpd = run("vrrpd", f.log)
}

// gone removes what vrrpd leaves behind.
func (f *frr) gone() {
	kill(f.zebra)
	for _, c := range f.configs {
		name, _ := macvlan(c)
		ip(f.w.t, "-n", f.w.side[f.side], "link", "del", name)
	}
}

func (f *frr) crash() {
	kill(f.vrrpd)
	f.gone()
}

func (f *frr) stop() {
	f.w.t.Helper()
	if err := f.vrrpd.Process.Signal(syscall.SIGTERM); err != nil {
		f.w.t.Fatal(err)
	}
	if err := f.vrrpd.Wait(); err != nil {
		f.w.t.Errorf("vrrpd: %v", err)
	}
	f.gone()
}

// state waits until each virtual router of vrrpd is in one.
func (f *frr) state(name string) {
	f.w.t.Helper()
	for _, c := range f.configs {
		family := "IPv4"
		if c.IPv6 {
			family = "IPv6"
		}
		eventually(f.w.t, "vrrpd is "+name, 15*time.Second, func() bool {
			last := ""
			for line := range strings.Lines(f.log.String()) {
				if strings.Contains(line, fmt.Sprintf("[VRID %d] [%s] ", c.VRID, family)) && strings.Contains(line, " -> ") {
					last = line
				}
			}
			return strings.HasSuffix(last, "-> "+name+"\n")
		})
	}
}

func (f *frr) serves(yes bool) {
	f.w.t.Helper()
	if yes {
		f.state("Master")
	} else {
		f.state("Backup")
	}
}

func (f *frr) follows() {
	f.w.t.Helper()
	f.state("Backup")
}

func (f *frr) content() {
	f.w.t.Helper()
	for line := range strings.Lines(f.log.String()) {
		for _, complaint := range []string{"nvalid", "ismatch", "does not match"} {
			if strings.Contains(line, complaint) {
				f.w.t.Errorf("vrrpd complains: %s", line)
			}
		}
	}
}

// Over IPv6 vrrpd becomes master in time, and its first advert is an interval later: its interface has to come up.
func TestFRR(t *testing.T) {
	t.Parallel()
	ways := []way{{"IPv4", []Key{outside}, 3, func(*Config, int) {}}, {"IPv6", []Key{outside6}, 3, func(*Config, int) {}}}
	lives(t, ways, []string{"lvsd", "vrrpd"}, func(w *wire, side int, configs []Config, _ []SyncGroup) party {
		return &frr{w: w, side: side, configs: configs}
	})
}
