package netif

import "testing"

func TestSysctlPath(t *testing.T) {
	for name, path := range map[string]string{
		"net.ipv4.ip_forward":                      "net/ipv4/ip_forward",
		"net.ipv4.conf.eth0.send_redirects":        "net/ipv4/conf/eth0/send_redirects",
		"net.ipv4.conf.eth0/100.send_redirects":    "net/ipv4/conf/eth0.100/send_redirects",
		"net.ipv4.conf.all.send_redirects":         "net/ipv4/conf/all/send_redirects",
		"net.ipv4.vs.conntrack":                    "net/ipv4/vs/conntrack",
		"net.ipv4.conf.br-1f2e3d/7/8.arp_announce": "net/ipv4/conf/br-1f2e3d.7.8/arp_announce",
	} {
		if got := sysctlPath(name); got != path {
			t.Errorf("%s: %s, want %s", name, got, path)
		}
	}
}

func TestSysctlMissing(t *testing.T) {
	const groups = "net.ipv4.ping_group_range"
	for _, c := range []struct{ name, want, was, write string }{
		{"net.ipv4.ip_forward", "1", "0", "1"},
		{"net.ipv4.ip_forward", "1", "1", ""},
		{"net.ipv4.ip_forward", "0", "1", "0"},
		{"net.ipv4.ip_local_port_range", "1024 65000", "1024\t65000", ""},
		{groups, "0 0", "1 0", "0 0"},                   // the kernel's default is the empty range
		{groups, "0 0", "1\t0", "0 0"},                  //
		{groups, "0 0", "0 0", ""},                      //
		{groups, "0 0", "0 2147483647", ""},             // never narrowed
		{groups, "5 10", "7 20", "5 20"},                // widened downwards
		{groups, "5 10", "1 7", "1 10"},                 // upwards
		{groups, "5 10", "6 7", "5 10"},                 // both
		{groups, "5 10", "50 70", "5 70"},               // a range has no holes
		{groups, "1 0", "6 7", ""},                      // nobody is covered by any range
		{groups, "0 4294967294", "1 0", "0 4294967294"}, // group ids are unsigned
	} {
		write, err := Sysctl{c.name, c.want}.missing(c.was)
		if err != nil || write != c.write {
			t.Errorf("%s = %q reading %q: write %q, %v; want %q", c.name, c.want, c.was, write, err, c.write)
		}
	}
	for _, bad := range []string{"", "1", "a b", "1 2 3", "-1 4", "0 4294967296"} {
		if write, err := (Sysctl{groups, bad}).missing("1 0"); err == nil {
			t.Errorf("%s = %q: write %q, want an error", groups, bad, write)
		}
		if write, err := (Sysctl{groups, "0 0"}).missing(bad); err == nil {
			t.Errorf("%s reading %q: write %q, want an error", groups, bad, write)
		}
	}
}
