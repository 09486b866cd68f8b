//go:build netns

package director

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWays has a pair elect, hand over and take over in the ways in which adverts travel, by their words in a configuration;
// no advert is refused, and there is never a second master.
func TestWays(t *testing.T) {
	const preferred = `  interface         = "eth0"
  virtual_router_id = 51
  priority          = { lb1 = 150, lb2 = 100 }[hostname]
`
	const signed = `  auth_hmac {
    key        = ["3 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"]
    active_key = 3
  }
`
	unicast := func(one, two string) string {
		return `  unicast_src_ip = { lb1 = "` + one + `", lb2 = "` + two + `" }[hostname]
  unicast_peer   = [{ lb1 = "` + two + `", lb2 = "` + one + `" }[hostname]]
`
	}
	for name, w := range map[string]struct {
		words, address string
		interval       time.Duration
	}{
		"password": {`  version = 2
  authentication {
    auth_type = "PASS"
    auth_pass = "secret"
  }
`, "192.0.2.10/24", time.Second},
		"unicast":         {"  advert_int = \"100ms\"\n" + unicast("192.0.2.1", "192.0.2.2"), "192.0.2.10/24", 100 * time.Millisecond},
		"signed":          {"  advert_int = \"100ms\"\n" + signed, "192.0.2.10/24", 100 * time.Millisecond},
		"IPv6":            {"  advert_int = \"100ms\"\n", "2001:db8::10/64", 100 * time.Millisecond},
		"signed, unicast": {"  advert_int = \"100ms\"\n" + signed + unicast("192.0.2.1", "192.0.2.2"), "192.0.2.10/24", 100 * time.Millisecond},
		"signed, IPv6":    {"  advert_int = \"100ms\"\n" + signed, "2001:db8::10/64", 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSegment(t)
			text := "vrrp_instance \"web\" {\n" + preferred + w.words + "  virtual_ipaddress = [\"" + w.address + "\"]\n}\n"
			holds := func(p *process, yes bool) {
				t.Helper()
				waitFor(t, p.name+" to hold the address, or not", func() bool {
					return strings.Contains(p.ip(t, p.name, "-o", "addr", "show"), " "+w.address+" ") == yes
				})
			}
			soon := func(what string, from time.Time, e event, due time.Duration) {
				t.Helper()
				if took := at(t, e).Sub(from); took > due+takeover {
					t.Errorf("%s took %v, the protocol %v", what, took, due)
				}
			}
			lb1 := s.nodeWith(t, "lb1", text)
			lb1.becomes(t, "MASTER")
			lb2 := s.nodeWith(t, "lb2", text)
			lb2.becomes(t, "BACKUP")
			lb2.wait(t, MasterSeen)
			holds(lb1, true)

			stopped := time.Now()
			lb1.signal(t, unix.SIGTERM)
			soon("a takeover after a clean stop", stopped, lb2.becomes(t, "MASTER"), w.interval)
			lb1.wait(t, Stopped)
			<-lb1.read
			must(t, lb1.cmd.Wait())
			holds(lb2, true)
			holds(lb1, false)

			lb1.start(t)
			lb1.becomes(t, "MASTER")
			lb2.becomes(t, "BACKUP")
			holds(lb1, true)
			holds(lb2, false)

			killed := time.Now()
			lb1.signal(t, unix.SIGKILL)
			<-lb1.read
			_ = lb1.cmd.Wait() // it was killed
			soon("a takeover after a crash", killed, lb2.becomes(t, "MASTER"), 4*w.interval)
			holds(lb2, true)
			holds(lb1, false) // its lease has ended
			for _, p := range []*process{lb1, lb2} {
				if refused, second := p.count(AdvertRefused), p.count(DuplicateMaster); refused+second != 0 {
					t.Errorf("%s refused adverts of %d kinds, and saw %d second masters", p.name, refused, second)
				}
			}
		})
	}
}
