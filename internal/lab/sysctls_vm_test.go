//go:build vm

package lab

import (
	"os"
	"strings"
	"testing"
	"time"
)

// With manage_sysctls a client that is to stay with a server leaves it when it is drained, and a connection to a server that is out
// ends at once. Without it lvsd says what is otherwise, and the client stays.
func TestSysctlsOfIPVS(t *testing.T) {
	d := newDirectors(t, NAT, "")
	config := func(globals string) string {
		inhibited := strings.Replace(serverBlock(d.Real[2], 80, 1), "weight = 1", "weight = 1\n    inhibit_on_failure = true", 1)
		return "global_defs {\n" + globals + "}\n" + instance +
			serviceBlock("\n  lb_algo = \"rr\"\n  persistence_timeout = \"5m\"\n", serverBlock(d.Real[0], 80, 1), serverBlock(d.Real[1], 80, 1), inhibited)
	}
	values := func(want string) {
		t.Helper()
		d.until("the sysctls", func() error {
			got := strings.Fields(d.run(0, "sysctl", "-n", "net.ipv4.vs.expire_nodest_conn", "net.ipv4.vs.expire_quiescent_template"))
			if strings.Join(got, " ") != want {
				return errorText(strings.Join(got, " "))
			}
			return nil
		})
	}
	lvsd := func(args ...string) string { return d.run(0, append([]string{os.Getenv(BinaryVariable)}, args...)...) }
	home := func() (name, server string) {
		t.Helper()
		by := d.ask(3, d.url())
		for name := range by {
			if len(by) == 1 {
				return name, d.Real[name[len(name)-1]-'1'].String()
			}
		}
		t.Fatalf("the client does not stay with a server: %v", by)
		return "", ""
	}
	d.write(config("  manage_sysctls = true\n"))
	d.startBoth()
	d.event(0, time.Time{}, "sysctl_set", "name", "net.ipv4.vs.expire_nodest_conn")
	values("1 1")

	name, server := home()
	lvsd("drain", "192.168.2.11:80", server)
	if next, _ := home(); next == name {
		t.Errorf("the client still comes to %s, which is drained", name)
	}
	lvsd("undrain", "192.168.2.11:80", server)

	name, server = home()
	held := d.slow(name)
	lvsd("drain", "192.168.2.11:80", server, "--timeout", "0s")
	cut := time.Now()
	if err := held[0].End(); err == nil {
		t.Error("a connection to a server that is out went on")
	}
	if took := time.Since(cut); took > 10*time.Second {
		t.Errorf("a connection to a server that is out ended after %s", took)
	}
	lvsd("undrain", "192.168.2.11:80", server)

	d.write(config(""))
	begun := time.Now()
	if err := d.lvsd[0].Reload(); err != nil {
		t.Fatal(err)
	}
	d.event(0, begun, "reloaded")
	values("1 1") // what was set stays
	d.run(0, "sysctl", "-w", "net.ipv4.vs.expire_quiescent_template=0")
	d.event(0, begun, "sysctl_differs", "name", "net.ipv4.vs.expire_quiescent_template", "value", "0", "wanted", "1")
	values("1 0")
	name, server = home()
	if out := lvsd("drain", "192.168.2.11:80", server); !strings.Contains(out, "clients that are to stay with it") {
		t.Errorf("%s", out)
	}
	if next, _ := home(); next != name {
		t.Errorf("the client that is to stay with %s went to %s", name, next)
	}
}

// errorText is an error of what there was in place of what was wanted.
type errorText string

// Error implements error.
func (e errorText) Error() string { return string(e) }
