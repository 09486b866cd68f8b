//go:build netns

package vrrp

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// peer is a keepalived that runs in a namespace.
type peer struct {
	w    *wire
	side int
	cmd  *exec.Cmd
	log  *journal
}

// journal is what a keepalived logs.
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
	dir := w.t.TempDir()
	file := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(file, []byte(keepalivedConf(configs, groups)), 0o644); err != nil {
		w.t.Fatal(err)
	}
	p := &peer{w: w, side: side, log: &journal{}}
	p.cmd = exec.Command("ip", "netns", "exec", w.side[side], "keepalived", "-n", "-l", "-D", "-P", "-f", file,
		"-p", filepath.Join(dir, "parent.pid"), "-r", filepath.Join(dir, "vrrp.pid"), "-c", filepath.Join(dir, "checkers.pid"))
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		p.kill()
		if w.t.Failed() {
			w.t.Logf("keepalived of side %d:\n%s", side, p.log)
		}
	})
	return p
}

// processes are the parent and its children.
func (p *peer) processes() []int {
	pid := p.cmd.Process.Pid
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

// kill ends keepalived without a word: stopped first, no child can say that its parent died.
func (p *peer) kill() {
	if p.cmd.ProcessState != nil {
		return
	}
	list := p.processes()
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, pid := range list {
			_ = syscall.Kill(pid, sig)
		}
	}
	_ = p.cmd.Wait()
}

// crash is a power cut: the process and its addresses are gone.
func (p *peer) crash(configs []Config) {
	p.kill()
	for _, c := range configs {
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

func (p *peer) waitMaster(master bool, configs ...Config) {
	p.w.t.Helper()
	for _, c := range configs {
		for _, a := range c.Addresses {
			eventually(p.w.t, fmt.Sprintf("keepalived has %v: %v", a, master), 15*time.Second,
				func() bool { return p.w.holds(p.side, a) == master })
		}
	}
}

// way is a way for adverts to travel between lvsd and keepalived.
type way struct {
	name    string
	key     Key
	version uint8
	change  func(c *Config, side int)
}

func ways() []way {
	none := func(*Config, int) {}
	six := outside
	six.IPv6 = true
	peer := func(format string, checksum Checksum) func(*Config, int) {
		return func(c *Config, side int) {
			c.Transport = Transport{Unicast: true, TTL: 64, Checksum: checksum, CheckSource: true,
				Source: netip.MustParseAddr(fmt.Sprintf(format, side+1)),
				Peers:  []Peer{{Addr: netip.MustParseAddr(fmt.Sprintf(format, 2-side)), Ranged: true, MinTTL: 64, MaxTTL: 64}}}
		}
	}
	return []way{
		{"version 2", outside, 2, none},
		{"version 3", outside, 3, none},
		{"version 2, password", outside, 2, func(c *Config, _ int) { copy(c.Password[:], "secret") }},
		{"version 2, unicast", outside, 2, peer("10.0.0.%d", ChecksumPseudo)},
		{"version 3, unicast", outside, 3, peer("10.0.0.%d", ChecksumPseudo)},
		{"version 3, unicast, as before 1.3.7", outside, 3, peer("10.0.0.%d", ChecksumGroup)},
		{"version 3, another group", outside, 3, func(c *Config, _ int) { c.Transport.Group = netip.MustParseAddr("224.0.0.99") }},
		{"IPv6", six, 3, none},
		{"IPv6, another group", six, 3, func(c *Config, _ int) { c.Transport.Group = netip.MustParseAddr("ff02::99") }},
		{"IPv6, unicast", six, 3, peer("2001:db8:0::%d", ChecksumPseudo)},
	}
}

// mixed puts lvsd and keepalived on a wire, in each way. make is an instance of a side, slow.
func mixed(t *testing.T, run func(t *testing.T, key Key, make func(side int, priority uint8) Config)) {
	for _, v := range ways() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			run(t, v.key, func(side int, priority uint8) Config {
				c := slow(v.key, v.version, priority)
				v.change(&c, side)
				return c
			})
		})
	}
}

// slow is fast with 200 ms: keepalived shares two processors with every other test.
func slow(key Key, version, priority uint8) Config {
	c := fast(key, version, priority)
	if version == 3 {
		c.Interval = 200 * time.Millisecond
	}
	return c
}

func skewIn(c Config) time.Duration {
	if c.Version == 2 {
		return skewOf(c.Priority, time.Second)
	}
	return skewOf(c.Priority, c.Interval)
}

// hears waits until lvsd hears adverts of source as those of the master.
func (d *daemon) hears(source string) { d.hearsAnyOf(netip.MustParseAddr(source)) }

// hearsAnyOf is hears for a node with several addresses.
func (d *daemon) hearsAnyOf(sources ...netip.Addr) {
	d.t.Helper()
	d.wait(fmt.Sprintf("adverts of %v", sources), 15*time.Second, func() bool {
		for _, n := range d.notes {
			if n.Kind == NoteMaster && slices.Contains(sources, n.Peer) {
				return true
			}
		}
		return false
	})
}

func (d *daemon) refusedNothing() {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.notes {
		if n.Kind == NoteRefused || n.Kind == NoteAddresses {
			d.t.Errorf("%v notes %s", n.Key, n.text())
		}
	}
}

func TestKeepalivedMaster(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, key Key, make func(side int, priority uint8) Config) {
		w := newWire(t)
		ours, theirs := make(0, 100), make(1, 150)
		k := w.keepalived(1, []Config{theirs}, nil)
		k.waitMaster(true, theirs)
		d := w.start(0, []Config{ours}, nil)
		d.hearsAnyOf(w.links(1)["eth0"].Addresses...)

		stopped := time.Now()
		k.stop()
		d.waitState(Master, key)
		if took, skew := d.became(key).Sub(stopped), skewIn(ours); took < skew || took > 3*ours.Interval {
			t.Errorf("after a clean stop it took %v, the skew is %v", took, skew)
		}

		k = w.keepalived(1, []Config{theirs}, nil)
		d.waitState(Backup, key)
		k.waitMaster(true, theirs)

		k.crash([]Config{theirs})
		crashed := time.Now()
		d.waitState(Master, key)
		// The last advert was an interval before the crash at the earliest.
		took, down := d.became(key).Sub(crashed), 3*ours.Interval+skewIn(ours)
		if took < down-ours.Interval-50*time.Millisecond || took > down+500*time.Millisecond {
			t.Errorf("after a crash it took %v, the down interval is %v", took, down)
		}
		d.refusedNothing()
	})
}

func TestKeepalivedBackup(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, key Key, make func(side int, priority uint8) Config) {
		w := newWire(t)
		ours, theirs := make(0, 150), make(1, 100)
		d := w.start(0, []Config{ours}, nil)
		d.waitState(Master, key)
		k := w.keepalived(1, []Config{theirs}, nil)
		k.logs("Entering BACKUP STATE")
		sent := d.sent(key)
		d.wait("five adverts", 15*time.Second, func() bool { return d.vouches[key] >= sent+5 })
		if w.holds(1, theirs.Addresses[0]) {
			t.Error("keepalived became master beside us")
		}

		stopped := time.Now()
		d.runner.Resign()
		d.ended()
		k.waitMaster(true, theirs)
		if took := time.Since(stopped); took > 3*ours.Interval {
			t.Errorf("after our clean stop keepalived took %v", took)
		}
		if got := d.transitions[len(d.transitions)-1]; got.To != Init || !strings.HasPrefix(got.Reason, "successor ") {
			t.Errorf("left with %+v", got)
		}

		d = w.start(0, []Config{ours}, nil)
		d.waitState(Master, key)
		k.waitMaster(false, theirs)

		d.crash()
		k.waitMaster(true, theirs)
		if early := time.Until(d.until(key)); early > 0 {
			t.Errorf("keepalived took over %v before 3 intervals were over", early)
		}
		if log := k.log.String(); strings.Contains(log, "nvalid") || strings.Contains(log, "checksum") || strings.Contains(log, "bogus") {
			t.Error("keepalived complains")
		}
		d.refusedNothing()
	})
}

// Two masters with equal priority: the greater address stays, whoever has it.
func TestKeepalivedTie(t *testing.T) {
	t.Parallel()
	for side := range 2 {
		t.Run(fmt.Sprintf("lvsd has 10.0.0.%d", side+1), func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			c := slow(outside, 3, 100)
			w.partition(0, true)
			d := w.start(side, []Config{c}, nil)
			k := w.keepalived(1-side, []Config{c}, nil)
			d.waitState(Master, outside)
			k.waitMaster(true, c)
			w.partition(0, false)
			if side == 1 {
				k.waitMaster(false, c)
				if got := d.state(outside); got != Master {
					t.Error(got)
				}
			} else {
				d.waitState(Backup, outside)
				// Our last word tells it that there were two: it announces again.
				k.logs("lower priority")
				if !w.holds(1, c.Addresses[0]) {
					t.Error("keepalived gave the address up")
				}
			}
		})
	}
}

func TestKeepalivedNoPreempt(t *testing.T) {
	t.Parallel()
	t.Run("keepalived's", func(t *testing.T) {
		t.Parallel()
		w := newWire(t)
		ours, theirs := slow(outside, 3, 100), slow(outside, 3, 150)
		theirs.Preempt = false
		d := w.start(0, []Config{ours}, nil)
		d.waitState(Master, outside)
		k := w.keepalived(1, []Config{theirs}, nil)
		k.logs("Entering BACKUP STATE")
		sent := d.sent(outside)
		d.wait("ten adverts", 15*time.Second, func() bool { return d.vouches[outside] >= sent+10 })
		if d.state(outside) != Master || w.holds(1, theirs.Addresses[0]) {
			t.Error("preempted")
		}
	})
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		w := newWire(t)
		ours, theirs := slow(outside, 3, 150), slow(outside, 3, 100)
		ours.Preempt = false
		k := w.keepalived(1, []Config{theirs}, nil)
		k.waitMaster(true, theirs)
		d := w.start(0, []Config{ours}, nil)
		d.hears("10.0.0.2")
		heard := len(w.sniff(0, "eth0", 10))
		if heard != 10 || d.state(outside) != Backup {
			t.Errorf("%v after %d adverts", d.state(outside), heard)
		}
	})
}

// A mixed pair with a sync group: a fault on either segment moves both.
func TestKeepalivedSyncGroup(t *testing.T) {
	t.Parallel()
	group := together(outside, inside)
	lists := func(priority uint8) []Config {
		return []Config{slow(outside, 3, priority), slow(inside, 3, priority)}
	}
	t.Run("keepalived's fault", func(t *testing.T) {
		t.Parallel()
		w := newWire(t)
		k := w.keepalived(1, lists(150), group)
		k.waitMaster(true, lists(150)...)
		d := w.start(0, lists(100), group)
		d.hears("10.0.0.2")
		ip(t, "-n", w.side[1], "link", "set", "eth1", "down")
		d.waitState(Master, outside, inside)
		k.waitMaster(false, lists(150)[0])
		ip(t, "-n", w.side[1], "link", "set", "eth1", "up")
		d.waitState(Backup, outside, inside)
		k.waitMaster(true, lists(150)...)
		d.refusedNothing()
	})
	t.Run("our fault", func(t *testing.T) {
		t.Parallel()
		w := newWire(t)
		d := w.start(0, lists(150), group)
		d.waitState(Master, outside, inside)
		k := w.keepalived(1, lists(100), group)
		k.logs("Entering BACKUP STATE")
		ip(t, "-n", w.side[0], "link", "set", "eth1", "down")
		d.runner.SetLinks(w.links(0))
		d.waitState(Fault, outside, inside)
		k.waitMaster(true, lists(100)...)
		ip(t, "-n", w.side[0], "link", "set", "eth1", "up")
		eventually(t, "eth1 has carrier", 5*time.Second, func() bool { return w.links(0)["eth1"].Up })
		d.runner.SetLinks(w.links(0))
		d.waitState(Master, outside, inside)
		k.waitMaster(false, lists(100)...)
	})
}
