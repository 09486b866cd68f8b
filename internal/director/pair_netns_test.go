//go:build netns

package director

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// segment is two nodes, lb1 and lb2, in network namespaces, each with an eth0 and an eth1 on
// bridges in a third namespace. So a link of one goes down without that of the other.
type segment struct{ prefix string }

func newSegment(t testing.TB) segment {
	t.Helper()
	s := segment{fmt.Sprintf("director-%d-", os.Getpid())}
	for _, name := range []string{"switch", "lb1", "lb2"} {
		run(t, "ip", "netns", "add", s.prefix+name)
		t.Cleanup(func() { run(t, "ip", "netns", "delete", s.prefix+name) })
	}
	for link, net := range []string{"192.0.2.", "10.0.0."} {
		bridge := fmt.Sprint("br", link)
		s.ip(t, "switch", "link", "add", bridge, "type", "bridge", "mcast_snooping", "0")
		s.ip(t, "switch", "link", "set", bridge, "up")
		for i, name := range []string{"lb1", "lb2"} {
			port, dev := fmt.Sprint(name, "-", link), fmt.Sprint("eth", link)
			s.ip(t, name, "link", "add", dev, "type", "veth", "peer", "name", port, "netns", s.prefix+"switch")
			s.ip(t, "switch", "link", "set", port, "master", bridge, "up")
			s.ip(t, name, "addr", "add", fmt.Sprint(net, i+1, "/24"), "dev", dev)
			s.ip(t, name, "link", "set", dev, "up")
		}
	}
	return s
}

func (s segment) ip(t testing.TB, name string, args ...string) string {
	t.Helper()
	return run(t, "ip", append([]string{"-n", s.prefix + name}, args...)...)
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// process is a director in a namespace.
type process struct {
	*eventLog
	segment
	name string
	file string
	cmd  *exec.Cmd
	read chan struct{} // closed when its output has ended
}

// The addresses of config.
const (
	vip   = "192.0.2.10/24"
	vgate = "10.0.0.9/24"
	more  = "192.0.2.11/24"
)

// config has VIP and V-gate in one instance, adverts every 100 ms, and lb1 before lb2.
func config(vips ...string) string {
	return fmt.Sprintf(`vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = { lb1 = 150, lb2 = 100 }[hostname]
  advert_int        = "100ms"
  garp_master_delay = 0
  virtual_ipaddress = ["%s", { address = "%s", dev = "eth1" }]
}
virtual_server "192.0.2.10" "80" {
  real_server "10.0.0.11" "80" {}
}
`, strings.Join(vips, `", "`), vgate)
}

// takeover is more than a backup waits for its master at config's interval, on a busy machine.
const takeover = 2 * time.Second

func (s segment) node(t testing.TB, name string) *process {
	t.Helper()
	return s.nodeWith(t, name, config(vip))
}

func (s segment) nodeWith(t testing.TB, name, text string) *process {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	must(t, os.Mkdir(dir, 0o700))
	p := &process{segment: s, name: name, file: filepath.Join(dir, "lvsd.hcl")}
	p.write(t, text)
	p.start(t)
	return p
}

func (p *process) write(t testing.TB, text string) {
	t.Helper()
	must(t, os.WriteFile(p.file, []byte(text), 0o600))
}

// start starts the process, for the first time or again.
func (p *process) start(t testing.TB) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	p.eventLog, p.read = newEventLog(), make(chan struct{})
	p.cmd = exec.Command("ip", "netns", "exec", p.prefix+p.name, self)
	p.cmd.Env = append(os.Environ(), nodeVar+"="+p.file)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	must(t, p.cmd.Start())
	log, read, cmd := p.eventLog, p.read, p.cmd
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fields := map[string]any{}
			if json.Unmarshal(lines.Bytes(), &fields) == nil {
				name, _ := fields["event"].(string)
				log.add(event{Event(name), fields})
			}
		}
	}()
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			<-read
			_ = cmd.Wait()
		}
		if t.Failed() {
			t.Logf("%s:\n%s", p.name, log.transcript())
		}
	})
}

func (p *process) signal(t testing.TB, s unix.Signal) {
	t.Helper()
	must(t, p.cmd.Process.Signal(s))
}

// becomes waits for a change to a state, and returns it.
func (p *process) becomes(t testing.TB, state string) event {
	t.Helper()
	for {
		if e := p.wait(t, RoleChanged); e.fields["to"] == state {
			return e
		}
	}
}

// holds waits until the node has exactly the given ones of all virtual addresses.
func (p *process) holds(t testing.TB, addresses ...string) {
	t.Helper()
	waitFor(t, fmt.Sprint(p.name, " to hold ", addresses), func() bool {
		out := p.ip(t, p.name, "-o", "-4", "addr", "show")
		for _, a := range []string{vip, vgate, more} {
			has := strings.Contains(out, " "+a+" ")
			wanted := strings.Contains(strings.Join(addresses, " "), a)
			if has != wanted {
				return false
			}
		}
		return true
	})
}

func at(t testing.TB, e event) time.Time {
	t.Helper()
	text, _ := e.fields["ts"].(string)
	when, err := time.Parse(time.RFC3339Nano, text)
	must(t, err)
	return when
}

// within holds the time from one event to another, of which either node may log first what
// happens at about the same time, to what a takeover may take.
func within(t testing.TB, what string, from, to event) {
	t.Helper()
	if took := at(t, to).Sub(at(t, from)); took.Abs() > takeover {
		t.Errorf("%s took %v, at most %v is allowed", what, took, takeover)
	}
}

// pair starts both nodes: lb1 is master, with VIP and V-gate, and lb2 has heard it.
func pair(t testing.TB) (lb1, lb2 *process) {
	t.Helper()
	s := newSegment(t)
	lb1 = s.node(t, "lb1")
	lb1.becomes(t, "MASTER")
	lb2 = s.node(t, "lb2")
	lb2.becomes(t, "BACKUP")
	if e := lb2.wait(t, MasterSeen); e.fields["peer"] != "192.0.2.1" || e.fields["peer_priority"] != 150.0 {
		t.Errorf("%v", e)
	}
	lb1.holds(t, vip, vgate)
	lb2.holds(t)
	return lb1, lb2
}

// TestStopHandsOver: a clean stop tells its successor, who has the addresses before the stopping
// node gives them up; that node leaves nothing behind.
func TestStopHandsOver(t *testing.T) {
	lb1, lb2 := pair(t)
	lb1.signal(t, unix.SIGTERM)
	stopping := lb1.wait(t, Stopping)
	master := lb2.becomes(t, "MASTER")
	within(t, "takeover after priority 0", stopping, master)
	if e := lb1.becomes(t, "INIT"); e.fields["reason"] != "successor 192.0.2.2 is master" {
		t.Errorf("lb1 did not wait for its successor: %v", e)
	}
	lb1.wait(t, AddressRemoved)
	if e := lb1.wait(t, Stopped); e.fields["in_order"] != true {
		t.Errorf("%v", e)
	}
	<-lb1.read
	if err := lb1.cmd.Wait(); err != nil {
		t.Errorf("lb1: %v", err)
	}
	lb1.holds(t)
	lb2.holds(t, vip, vgate)
}

// TestKill: the backup takes over; what the dead master left the kernel takes off, and when that
// node is started again it takes over by its priority.
func TestKill(t *testing.T) {
	lb1, lb2 := pair(t)
	killed := time.Now()
	lb1.signal(t, unix.SIGKILL)
	<-lb1.read
	_ = lb1.cmd.Wait() // it was killed
	if took := at(t, lb2.becomes(t, "MASTER")).Sub(killed); took < 200*time.Millisecond || took > takeover {
		t.Errorf("takeover took %v", took)
	}
	lb2.holds(t, vip, vgate)
	lb1.holds(t)

	lb1.start(t)
	preempts := lb1.becomes(t, "MASTER")
	lb1.holds(t, vip, vgate)
	within(t, "release after a better master", preempts, lb2.becomes(t, "BACKUP"))
	lb2.holds(t)
}

// TestHealAndReload: a deleted address comes back; a reload adds and removes addresses, and one
// that is refused does neither; the role never changes.
func TestHealAndReload(t *testing.T) {
	lb1, lb2 := pair(t)
	for address, dev := range map[string]string{vip: "eth0", vgate: "eth1"} {
		lb1.ip(t, "lb1", "addr", "del", address, "dev", dev)
		if e := lb1.wait(t, AddressHealed); !strings.HasPrefix(e.fields["address"].(string), address) {
			t.Errorf("%v", e)
		}
		lb1.holds(t, vip, vgate)
	}

	lb1.write(t, config(vip, more))
	lb1.signal(t, unix.SIGHUP)
	if e := lb1.wait(t, AddressAdded); e.fields["why"] != "configured" || !strings.HasPrefix(e.fields["address"].(string), more) {
		t.Errorf("%v", e)
	}
	lb1.holds(t, vip, vgate, more)

	lb1.write(t, config(vip)+"bogus\n")
	lb1.signal(t, unix.SIGHUP)
	if e := lb1.wait(t, ReloadRefused); !strings.Contains(e.fields["error"].(string), "lvsd.hcl:12:1: ") {
		t.Errorf("%v", e)
	}
	lb1.holds(t, vip, vgate, more)

	lb1.write(t, config(vip))
	lb1.signal(t, unix.SIGHUP)
	if e := lb1.wait(t, AddressRemoved); e.fields["why"] != "unconfigured" {
		t.Errorf("%v", e)
	}
	lb1.holds(t, vip, vgate)
	if got := lb1.count(RoleChanged); got != 2 {
		t.Errorf("lb1 changed its role %d times", got)
	}
	if got := lb2.count(RoleChanged); got != 1 {
		t.Errorf("lb2 changed its role %d times", got)
	}
}

// TestLinkDown: the link of the V-gate alone goes down, and both addresses move; and back.
func TestLinkDown(t *testing.T) {
	lb1, lb2 := pair(t)
	lb1.ip(t, "switch", "link", "set", "lb1-1", "down")
	fault := lb1.becomes(t, "FAULT")
	if e := fault.fields["reason"]; e != "interface eth1 is down" {
		t.Errorf("reason %v", e)
	}
	within(t, "takeover after a fault", fault, lb2.becomes(t, "MASTER"))
	lb1.holds(t)
	lb2.holds(t, vip, vgate)

	lb1.ip(t, "switch", "link", "set", "lb1-1", "up")
	lb1.becomes(t, "MASTER")
	lb2.becomes(t, "BACKUP")
	lb1.holds(t, vip, vgate)
	lb2.holds(t)
}
