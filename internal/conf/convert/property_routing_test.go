package convert

// placed writes what stands beside the addresses that move.
func (w *writer) placed(which string) {
	if which == "static" && w.chance("addresses") {
		w.line("static_ipaddress {")
		w.some("10.9.0.%d/24%s%s", w.number(1, 2), w.one("", " dev eth2"), w.one("", " scope site", " track_group g"))
		w.line("}")
	}
	for range w.number(0, 1) {
		w.line("%s_routes {", which)
		for range w.number(1, 3) {
			w.line("%s%s%s%s", w.one("10.7.0.0/16", "to 10.8.0.7/16", "default", "src 10.9.0.1 10.6.0.0/16", "10.5.0.1"),
				w.one(" via 10.0.0.254", " gw 10.0.0.254 dev eth1", " via 10.0.0.254 or 10.0.0.253", " dev eth1 scope link"),
				w.one("", " table 100", " metric 5 protocol bird", " tos 0x10", " mtu lock 1400 rtt 3ms"), w.one("", " no_track", " append"))
		}
		w.some("2001:db8::/32 %s", w.one("dev eth1", "via fe80::1 dev eth1 metric 7 tos 4", "nexthop via fe80::1 dev eth1 weight 2 nexthop via fe80::2 dev eth1"))
		w.some("%s 10.4.0.0/24", w.one("blackhole", "unreachable"))
		w.line("}")
	}
	for range w.number(0, 1) {
		w.line("%s_rules {", which)
		for range w.number(1, 3) {
			w.line("%s%s%s", w.one("from 10.7.0.1/16", "to 10.8.0.0/16", "iif eth0", "from 10.7./16", "to 2001:db8::/32", "not fwmark 4/0xff"),
				w.one(" table 100", " lookup main", " blackhole", "", " goto 30000"), w.one("", " preference 7", " pref 8", " ipproto tcp dport 80"))
		}
		w.line("}")
	}
}
