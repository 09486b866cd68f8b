package director

import (
	"os"
	"path/filepath"
	"testing"

	"lvsd/internal/check"
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
