//go:build netns

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// contest is two nodes that run one daemon with one keepalived.conf, and what passes on the client's segment. Equal
// priorities and nopreempt: whoever is master stays it, and the nodes can be swapped without end.
type contest struct {
	testing.TB
	*Seed
	ctx    context.Context
	daemon string // lvsd or keepalived
	config string
	node   [2]*Process
	wire   *Process
	mac    [2]string
	master int // index of the node that is master
}

// frame is a captured packet as text.
type frame struct {
	at   time.Time
	text string
}

// newContest builds the network and starts both nodes, the first one as master.
func newContest(b testing.TB, daemon, config string) *contest {
	c := newMaster(b, daemon, config)
	c.start(1)
	return c
}

// newMaster builds the network and starts the first node.
func newMaster(b testing.TB, daemon, config string) *contest {
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	s, err := NewSeed("contest", NAT)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	c := &contest{TB: b, Seed: s, ctx: ctx, daemon: daemon, config: filepath.Join(b.TempDir(), "keepalived.conf")}
	if err := os.WriteFile(c.config, []byte(config), 0o644); err != nil {
		b.Fatal(err)
	}
	if c.wire, err = s.Client.Capture(ctx, "eth0", "ip proto 112 or arp"); err != nil {
		b.Fatal(err)
	}
	for i := range c.mac {
		mac, err := s.LB[i].Run(ctx, "cat", "/sys/class/net/eth0/address")
		if err != nil {
			b.Fatal(err)
		}
		c.mac[i] = strings.TrimSpace(mac)
	}
	c.start(0)
	c.adverts(time.Now(), 0, 1)
	return c
}

// start starts a node and returns when it listens to the master, if there is one.
func (c *contest) start(i int) {
	c.Helper()
	since := time.Now()
	pids := c.TempDir() // one that was killed leaves its own behind, and would be taken for running
	args := []string{"keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file", c.config,
		"--pid", filepath.Join(pids, "parent"), "--vrrp_pid", filepath.Join(pids, "vrrp")}
	if c.daemon == "lvsd" {
		args = []string{os.Getenv(BinaryVariable), "run", "-c", c.config, "--log-format", "json"}
	}
	p, err := c.LB[i].Start(nil, args...)
	if err != nil {
		c.Fatal(err)
	}
	c.node[i] = p
	c.standby(i, since)
}

// standby waits until a node is backup, and then for two adverts of the master's, so that it has heard one.
func (c *contest) standby(i int, since time.Time) {
	c.Helper()
	said := func(line string) bool {
		return strings.Contains(line, "Entering BACKUP STATE") || strings.Contains(line, `"role_changed"`) && strings.Contains(line, `"to":"BACKUP"`)
	}
	if _, err := c.waitFor(c.node[i], since, said); err != nil {
		c.Fatal(err)
	}
	if i != c.master {
		c.adverts(time.Now(), c.master, 2)
	}
}

// patience is how long a contest waits for what comes within seconds, if it comes: a pair of keepalived at adverts
// of 10 ms came to no end once, and the contests after it had to wait.
const patience = time.Minute

func (c *contest) waitFor(p *Process, since time.Time, is func(line string) bool) (Line, error) {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	return p.WaitFor(ctx, since, is)
}

func address(i int) string { return outsideLB[i].Addr().String() }

// adverts waits for so many adverts of a node since a moment.
func (c *contest) adverts(since time.Time, i, n int) {
	c.Helper()
	_, err := c.waitFor(c.wire, since, func(line string) bool {
		if (frame{text: line}).advertOf(i) {
			n--
		}
		return n <= 0
	})
	if err != nil {
		c.Fatal(err)
	}
}

// frames are the packets captured since a moment.
func (c *contest) frames(since time.Time) []frame {
	var all []frame
	for _, l := range c.wire.Lines() {
		if at, begins := CaptureTime(l.Text); begins {
			all = append(all, frame{at, l.Text})
		} else if len(all) > 0 {
			all[len(all)-1].text += l.Text
		}
	}
	for k, f := range all {
		if !f.at.Before(since) {
			return all[k:]
		}
	}
	return nil
}

// isMaster says whether a line of a daemon's log says that its node became master.
func isMaster(line string) bool {
	return strings.Contains(line, "Entering MASTER STATE") || strings.Contains(line, `"role_changed"`) && strings.Contains(line, `"to":"MASTER"`)
}

func (f frame) advertOf(i int) bool {
	return strings.Contains(f.text, " "+address(i)+" > 224.0.0.18")
}

// announces is the address that a frame is a gratuitous ARP for, sent by the node with this MAC address. Who asks
// whether another node has an address announces nothing.
func (f frame) announces(mac string) (ip string, ok bool) {
	_, sent, _ := strings.Cut(f.text, " "+mac+" > ")
	_, asked, _ := strings.Cut(sent, "who-has ")
	ip, _, _ = strings.Cut(asked, " ")
	return ip, ip != "" && strings.Contains(asked, "tell "+ip+",")
}

// end is a way for a master to go.
type end struct {
	name string
	// do ends the mastership of node i, and undo makes it a backup again.
	do, undo func(c *contest, i int) error
	// limit is how long the protocol has the other node wait after the master's last advert.
	limit func(version int, interval time.Duration) time.Duration
}

func ends() []end {
	restart := func(c *contest, i int) error {
		c.start(i)
		return nil
	}
	return []end{
		{"kill", func(c *contest, i int) error {
			c.node[i].Kill()
			return errors.Join(c.ended(i))
		}, restart, func(version int, interval time.Duration) time.Duration { return 3*interval + skew(version, interval) }},
		{"link", func(c *contest, i int) error { return c.LB[i].Cut("eth0") }, func(c *contest, i int) error {
			since := time.Now()
			if err := c.LB[i].Mend("eth0"); err != nil {
				return err
			}
			c.standby(i, since)
			return nil
		}, func(version int, interval time.Duration) time.Duration { return 3*interval + skew(version, interval) }},
		{"stop", func(c *contest, i int) error { return c.node[i].Signal(syscall.SIGTERM) }, func(c *contest, i int) error {
			return errors.Join(c.ended(i), restart(c, i))
		}, skew},
	}
}

// skew is Skew_Time of priority 100: RFC 9568 §6.1, RFC 3768 §6.1.
func skew(version int, interval time.Duration) time.Duration {
	if version == 2 {
		interval = time.Second
	}
	return interval * (256 - 100) / 256
}

// ended waits for the end of a node's process, however it ends.
func (c *contest) ended(i int) error {
	select {
	case <-c.node[i].Done():
		return nil
	case <-c.ctx.Done():
		return fmt.Errorf("end of %s: %w", c.node[i], context.Cause(c.ctx))
	}
}

// takeover ends the mastership of the node that has it and returns how long after the protocol's time the other announced
// each of the addresses, in the order of the announcements. Then the nodes have changed places.
func (c *contest) takeover(e end, version int, interval time.Duration, addresses ...string) []time.Duration {
	c.Helper()
	old, next := c.master, 1-c.master
	began := time.Now()
	if err := e.do(c, old); err != nil {
		c.Fatal(err)
	}
	pending := map[string]bool{}
	for _, a := range addresses {
		pending[a] = true
	}
	if _, err := c.waitFor(c.wire, began, func(line string) bool {
		if ip, ok := (frame{text: line}).announces(c.mac[next]); ok {
			delete(pending, ip)
		}
		return len(pending) == 0
	}); err != nil {
		c.Fatalf("%d of %d addresses were not announced: %v", len(pending), len(addresses), err)
	}
	var last time.Time
	for _, f := range c.frames(time.Time{}) {
		if f.advertOf(old) && (f.at.Before(began) || e.name == "stop" && strings.Contains(f.text, "prio 0,")) {
			last = f.at
		}
	}
	var late []time.Duration
	told := map[string]bool{}
	for _, f := range c.frames(began) {
		if ip, ok := f.announces(c.mac[next]); ok && slices.Contains(addresses, ip) && !told[ip] {
			told[ip] = true
			late = append(late, f.at.Sub(last)-e.limit(version, interval))
		}
	}
	c.master = next
	if err := e.undo(c, old); err != nil {
		c.Fatal(err)
	}
	return late
}
