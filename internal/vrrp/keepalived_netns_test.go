//go:build netns

package vrrp

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// peer is a keepalived in a namespace, which runs once it is started.
type peer struct {
	w       *wire
	side    int
	configs []Config
	groups  []SyncGroup
	cmd     *exec.Cmd
	log     *journal
}

// journal is what a program logs.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// keepalivedConf is the file that says the same as configs.
func keepalivedConf(configs []Config, groups []SyncGroup) string {
	var b strings.Builder
	names := map[Key]string{}
	for _, c := range configs {
		names[c.Key] = c.Name
		fmt.Fprintf(&b, "vrrp_instance %s {\n state BACKUP\n interface %s\n virtual_router_id %d\n priority %d\n version %d\n advert_int %v\n",
			c.Name, c.Interface, c.VRID, c.Priority, c.Version, c.Interval.Seconds())
		if !c.Preempt {
			b.WriteString(" nopreempt\n")
		}
		b.WriteString(transportConf(c))
		if c.Password != (Password{}) {
			fmt.Fprintf(&b, " authentication {\n  auth_type PASS\n  auth_pass %s\n }\n", strings.TrimRight(string(c.Password[:]), "\x00"))
		}
		b.WriteString(" virtual_ipaddress {\n")
		for _, a := range c.Addresses {
			fmt.Fprintf(&b, "  %v/%d\n", a, prefixLength(a))
		}
		b.WriteString(" }\n}\n")
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "vrrp_sync_group %s {\n group {\n", g.Name)
		for _, k := range g.Members {
			fmt.Fprintf(&b, "  %s\n", names[k])
		}
		b.WriteString(" }\n}\n")
	}
	return b.String()
}

func prefixLength(a netip.Addr) int {
	if a.Is6() {
		return 64
	}
	return 24
}

// transportConf are the words of an instance about the way of its adverts.
func transportConf(c Config) string {
	var b strings.Builder
	t := &c.Transport
	if t.Source.IsValid() {
		fmt.Fprintf(&b, " unicast_src_ip %v\n", t.Source)
	}
	if t.Group.IsValid() {
		fmt.Fprintf(&b, " mcast_dst_ip %v\n", t.Group)
	}
	if t.Checksum == ChecksumGroup {
		b.WriteString(" old_unicast_checksum\n")
	}
	if t.CheckSource {
		b.WriteString(" check_unicast_src\n")
	}
	if t.Unicast {
		fmt.Fprintf(&b, " unicast_ttl %d\n unicast_peer {\n", t.TTL)
		for _, p := range t.Peers {
			fmt.Fprintf(&b, "  %v", p.Addr)
			if p.Ranged {
				fmt.Fprintf(&b, " min_ttl %d max_ttl %d", p.MinTTL, p.MaxTTL)
			}
			b.WriteString("\n")
		}
		b.WriteString(" }\n")
	}
	return b.String()
}

func (w *wire) keepalived(side int, configs []Config, groups []SyncGroup) *peer {
	w.t.Helper()
	p := &peer{w: w, side: side, configs: configs, groups: groups}
	p.start()
	return p
}

func (p *peer) start() {
	p.w.t.Helper()
	dir := p.w.t.TempDir()
	file := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(file, []byte(keepalivedConf(p.configs, p.groups)), 0o644); err != nil {
		p.w.t.Fatal(err)
	}
	cmd, log := exec.Command("ip", "netns", "exec", p.w.side[p.side], "keepalived", "-n", "-l", "-D", "-P", "-f", file,
		"-p", filepath.Join(dir, "parent.pid"), "-r", filepath.Join(dir, "vrrp.pid"), "-c", filepath.Join(dir, "checkers.pid")), &journal{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		p.w.t.Fatal(err)
	}
	p.cmd, p.log = cmd, log
	p.w.t.Cleanup(func() {
		kill(cmd)
		if p.w.t.Failed() {
			p.w.t.Logf("keepalived of side %d:\n%s", p.side, log)
		}
	})
}

// processes are a command's and its children.
func processes(cmd *exec.Cmd) []int {
	pid := cmd.Process.Pid
	list := []int{pid}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return list
	}
	for _, f := range strings.Fields(string(children)) {
		if n, err := strconv.Atoi(f); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// kill ends a command without a word: stopped first, no child can say that its parent died.
func kill(cmd *exec.Cmd) {
	if cmd.ProcessState != nil {
		return
	}
	list := processes(cmd)
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, pid := range list {
			_ = syscall.Kill(pid, sig)
		}
	}
	_ = cmd.Wait()
}

// crash is a power cut: the process and its addresses are gone.
func (p *peer) crash() {
	kill(p.cmd)
	for _, c := range p.configs {
		for _, a := range c.Addresses {
			_ = exec.Command("ip", "-n", p.w.side[p.side], "addr", "del", fmt.Sprintf("%v/%d", a, prefixLength(a)), "dev", c.Interface).Run()
		}
	}
}

// stop ends keepalived in order.
func (p *peer) stop() {
	p.w.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.w.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.w.t.Errorf("keepalived: %v", err)
	}
}

// logs waits until keepalived has logged a text.
func (p *peer) logs(text string) {
	p.w.t.Helper()
	eventually(p.w.t, "keepalived logs "+text, 15*time.Second, func() bool { return strings.Contains(p.log.String(), text) })
}

// serves waits until keepalived has its addresses, or has them no more.
func (p *peer) serves(yes bool) {
	p.w.t.Helper()
	for _, c := range p.configs {
		for _, a := range c.Addresses {
			eventually(p.w.t, fmt.Sprintf("keepalived has %v: %v", a, yes), 15*time.Second,
				func() bool { return p.w.holds(p.side, a) == yes })
		}
	}
}

// follows waits until keepalived is backup.
func (p *peer) follows() {
	p.w.t.Helper()
	for _, c := range p.configs {
		p.logs("(" + c.Name + ") Entering BACKUP STATE")
	}
	p.serves(false)
}

// content fails for what keepalived says of adverts that it does not like.
func (p *peer) content() {
	p.w.t.Helper()
	log := p.log.String()
	for _, complaint := range []string{"nvalid", "checksum", "bogus", "mismatch"} {
		if strings.Contains(log, complaint) {
			p.w.t.Errorf("keepalived complains: %s", complaint)
		}
	}
}
