package director

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"lvsd/internal/check"
	"lvsd/internal/conf"
)

// TestTableOfTheLastTime: what is made of the table of the last time is what is made of nothing, whichever servers come and
// go; also where one of NAT and one of DR are the same to a service of the kernel.
func TestTableOfTheLastTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keepalived.conf")
	if err := os.WriteFile(file, []byte(`
virtual_server_group web {
  192.0.2.1 80
  192.0.2.1 443
}
virtual_server group web {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 10.0.0.1 443 {
    TCP_CHECK {
      connect_port 1
    }
  }
  real_server 10.0.0.1 80 {
    lvs_method DR
    TCP_CHECK {
      connect_port 2
    }
  }
  real_server 10.0.0.2 80 {
    lvs_method DR
    inhibit_on_failure
    TCP_CHECK {
      connect_port 3
    }
  }
}
`), 0o644); err != nil {
		t.Fatal(err)
	}
	c := compile(load(t, file), groupID)
	servers := len(c.services[0].specs)
	if servers != 3 || len(c.services[0].keys) != 2 {
		t.Fatalf("%d servers of %v", servers, c.services[0].keys)
	}
	down := func(which int) map[check.Spec]bool {
		list := map[check.Spec]bool{}
		for j := range servers {
			if which>>j&1 == 1 {
				list[c.services[0].specs[j][0]] = true
			}
		}
		return list
	}
	for before := range 1 << servers {
		for after := range 1 << servers {
			h := health{down: down(before)}
			h.memory = desired(c, h).memory
			h.down = down(after)
			got, want := desired(c, h).services, desired(c, health{down: down(after)}).services
			if !equal(got, want) {
				t.Errorf("of servers that fail %03b becomes %03b: %v, want %v", before, after, plainTable(got), plainTable(want))
			}
		}
	}
}

// TestServicesOfPlaces: each place comes with the virtual server that has it, also beside such that have none.
func TestServicesOfPlaces(t *testing.T) {
	var list compiledServices
	first := 0
	for _, servers := range []int{0, 2, 0, 0, 1, 3, 0} {
		list = append(list, compiledService{VirtualServer: &conf.VirtualServer{RealServers: make([]conf.RealServer, servers)}, first: first})
		first += servers
	}
	none := func(int) bool { return false }
	for _, c := range []struct {
		places []int
		also   func(int) bool
		want   string
	}{
		{nil, none, ""},
		{[]int{0, 1, 2, 3, 4, 5}, none, "1[0 1] 4[2] 5[3 4 5] "},
		{[]int{1, 5}, none, "1[1] 5[5] "},
		{[]int{2}, none, "4[2] "},
		{[]int{4}, func(service int) bool { return service == 0 || service >= 5 }, "0[] 5[4] 6[] "},
	} {
		got := ""
		for service, places := range list.of(c.places, c.also) {
			got += fmt.Sprintf("%d%v ", service, places)
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.places, got, c.want)
		}
	}
}

// TestAVerdictTakesLittleMemory: what a verdict makes anew does not grow with the configuration. Garbage that it leaves is
// collected while others wait for theirs.
func TestAVerdictTakesLittleMemory(t *testing.T) {
	for _, size := range [][2]int{{1, 5000}, {70, 70}, {5000, 1}} {
		cfg := &conf.Config{}
		for i := range size[0] {
			s := conf.VirtualServer{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 80), Protocol: conf.TCP, Family: 4, Quorum: 1}
			for j := range size[1] {
				s.RealServers = append(s.RealServers, conf.RealServer{Weight: 1, Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(j >> 8), byte(j)}), uint16(1+i)),
					Checks: []conf.Check{{Kind: conf.TCPCheck, Timing: conf.Timing{Interval: time.Second, Timeout: time.Second}}}})
			}
			cfg.Services = append(cfg.Services, s)
		}
		c, h := compile(cfg, groupID), health{}
		h.memory = desired(c, h).memory
		fails := set(c.services[0].specs[0][0])
		const rounds = 10
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range 2 * rounds {
			was := h
			h.down = nil
			if i%2 == 0 {
				h.down = fails
			}
			w := desired(c, h)
			h.memory = w.memory
			if list, _ := flips(c, &was, &h); len(list) != 1 {
				t.Fatalf("%d servers change", len(list))
			}
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / (2 * rounds); each > 40<<10 {
			t.Errorf("%d services of %d servers: a verdict takes %d bytes", size[0], size[1], each)
		}
	}
}
