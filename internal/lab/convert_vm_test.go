//go:build vm

package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What ipvsadm writes of a table with every kind of tunnel, converted, becomes the same table again.
func TestConvertedTable(t *testing.T) {
	d := newDirectors(t, NAT, "")
	d.run(0, "sh", "-ec", `
		ipvsadm -A -t 192.168.2.50:443 -s mh -b mh-port
		tun() { ipvsadm -a -t 192.168.2.50:443 -i -r "$@"; }
		tun 10.10.10.11
		tun 10.10.10.12 --tun-type gue --tun-port 6080
		tun 10.10.10.13 --tun-type gue --tun-port 6081 --tun-csum -w 5
		tun 10.10.10.14 --tun-type gue --tun-port 6080 --tun-remcsum
		tun 10.10.10.15 --tun-type gre --tun-nocsum
		tun 10.10.10.16 --tun-type gre --tun-csum
		ipvsadm -a -t 192.168.2.50:443 -m -r 10.10.10.17
		ipvsadm -A -u 192.168.2.50:5060 -s rr -p 60 -o
		ipvsadm -a -u 192.168.2.50:5060 -g -r 10.10.10.11 -w 0`)
	lines := func(out string) []string {
		lines := strings.Split(strings.TrimSpace(out), "\n")
		slices.Sort(lines)
		return lines
	}
	written := d.run(0, "ipvsadm", "-Sn")
	want := lines(written)
	if len(want) != 10 {
		t.Fatalf("ipvsadm wrote\n%s", written)
	}
	rules := filepath.Join(t.TempDir(), "rules")
	if err := os.WriteFile(rules, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	converted, err := exec.CommandContext(d.ctx, os.Getenv(BinaryVariable), "convert", rules).Output()
	if err != nil {
		t.Fatal(err)
	}
	d.run(0, "ipvsadm", "-C")
	d.write(string(converted))
	d.start(0)
	d.event(0, time.Time{}, "services_set")
	if got := lines(d.run(0, "ipvsadm", "-Sn")); !slices.Equal(got, want) {
		t.Errorf("the table is\n%s\nnot\n%s\nof the file\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), converted)
	}
}
