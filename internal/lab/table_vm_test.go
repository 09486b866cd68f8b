//go:build vm

package lab

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sameTable is a keepalived.conf with groups, ranges, networks, marks, flags, persistence and tunnels.
// Two things are left out that keepalived 2.2.7 documents and does otherwise: the granularity of a
// group's persistence, which it forgets, and FIRST-LAST with two whole addresses, of which it takes
// the first number of LAST for the last one.
const sameTable = `
virtual_server_group many {
    192.168.2.40 80
    192.168.2.41-43 8080
    192.168.4.8/30 80
    fwmark 7
    fwmark 8
}
virtual_server group many {
    delay_loop 60
    lb_algo sh
    sh-port
    sh-fallback
    lb_kind NAT
    protocol TCP
    persistence_timeout 50
    real_server 10.10.10.11 8000 {
        weight 3
    }
    real_server 10.10.10.12 8000 {
    }
}
virtual_server_group six {
    fd00:2::9-b 80
}
virtual_server group six {
    delay_loop 60
    lb_algo mh
    mh-port
    lb_kind DR
    protocol TCP
    real_server fd00:10::11 80 {
    }
}
virtual_server 192.168.2.50 443 {
    delay_loop 60
    lb_algo wlc
    lb_kind TUN
    protocol TCP
    real_server 10.10.10.11 443 {
        weight 2
    }
    real_server 10.10.10.12 443 {
        lvs_method TUN type gue port 6080 csum
    }
    real_server 10.10.10.13 443 {
        lvs_method NAT
    }
}
virtual_server 192.168.2.50 5060 {
    delay_loop 60
    lb_algo rr
    lb_kind NAT
    protocol UDP
    ops
    real_server 10.10.10.11 5060 {
    }
}
virtual_server 192.168.2.51 0 {
    delay_loop 60
    lb_algo rr
    lb_kind DR
    protocol TCP
    persistence_timeout 300
    persistence_granularity 255.255.255.0
    real_server 10.10.10.11 0 {
    }
}
`

// Debian's keepalived and lvsd make the same table of the same file.
func TestSameTableAsKeepalived(t *testing.T) {
	d := newDirectors(t, NAT, "")
	d.config = filepath.Join(t.TempDir(), "keepalived.conf")
	d.write(sameTable)
	table := func() []string {
		out, err := d.LB[0].Run(d.ctx, "ipvsadm", "-Sn")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		slices.Sort(lines)
		return lines
	}
	settled := func(count int) []string {
		var got []string
		d.until("the table is written", func() error {
			before := table()
			time.Sleep(500 * time.Millisecond)
			if got = table(); len(got) < count || !slices.Equal(got, before) {
				return os.ErrDeadlineExceeded
			}
			return nil
		})
		return got
	}
	p, err := d.LB[0].Start(nil, "keepalived", "--dont-fork", "--log-console", "--check", "--use-file", d.config)
	if err != nil {
		t.Fatal(err)
	}
	theirs := settled(10)
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(d.ctx); err != nil {
		t.Errorf("keepalived: %v", err)
	}
	if left := strings.TrimSpace(d.run(0, "ipvsadm", "-Sn")); left != "" {
		t.Fatalf("keepalived left\n%s", left)
	}
	d.start(0)
	d.event(0, time.Time{}, "services_set")
	ours := settled(1)
	for _, line := range ours {
		if !slices.Contains(theirs, line) {
			t.Errorf("lvsd alone has %s", line)
		}
	}
	for _, line := range theirs {
		if !slices.Contains(ours, line) {
			t.Errorf("keepalived alone has %s", line)
		}
	}
}
