package conf

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWordsOfTransport(t *testing.T) {
	ip := netip.MustParseAddr
	six := "vrrp_instance a {\nvirtual_router_id 1\ninterface eth0\nvirtual_ipaddress { 2001:db8::1 }\n%s\n}\n"
	for _, c := range []struct {
		globals, words string
		ipv6           bool // the instance's address is
		want           Transport
	}{
		{"", "", false, Transport{UnicastTTL: 255}},
		{"", "", true, Transport{IPv6: true, UnicastTTL: 255}},
		{"", "mcast_src_ip 10.0.0.9\ntrack_src_ip", false, Transport{SourceIP: ip("10.0.0.9"), TrackSourceIP: true, UnicastTTL: 255}},
		{"", "mcast_dst_ip 224.0.0.99", false, Transport{Group: ip("224.0.0.99"), UnicastTTL: 255}},
		{"", "mcast_dst_ip 224.0.0.18", false, Transport{UnicastTTL: 255}},
		{"", "mcast_dst_ip ff02::99", true, Transport{IPv6: true, Group: ip("ff02::99"), UnicastTTL: 255}},
		{"vrrp_mcast_group4 224.0.0.98\nvrrp_mcast_group6 ff02::98", "", false, Transport{Group: ip("224.0.0.98"), UnicastTTL: 255}},
		{"vrrp_mcast_group4 224.0.0.98\nvrrp_mcast_group6 ff02::98", "", true, Transport{IPv6: true, Group: ip("ff02::98"), UnicastTTL: 255}},
		{"vrrp_mcast_group4 224.0.0.98", "mcast_dst_ip 224.0.0.18", false, Transport{UnicastTTL: 255}},
		{"", "unicast_src_ip 10.0.0.8\nunicast_peer {\n10.0.0.9\n10.0.0.10 min_ttl 254\n10.0.0.11 max_ttl 9 min_ttl 5\n}\nunicast_ttl 7\ncheck_unicast_src", false,
			Transport{SourceIP: ip("10.0.0.8"), UnicastTTL: 7, CheckUnicastSource: true, UnicastPeers: []UnicastPeer{
				{Address: ip("10.0.0.9"), MaxTTL: 255}, {Address: ip("10.0.0.10"), MinTTL: 254, MaxTTL: 255}, {Address: ip("10.0.0.11"), MinTTL: 5, MaxTTL: 9}}}},
		{"", "unicast_peer { fe80::9 }", true, Transport{IPv6: true, UnicastTTL: 255, UnicastPeers: []UnicastPeer{{Address: ip("fe80::9"), MaxTTL: 255}}}},
		{"vrrp_mcast_group4 224.0.0.98", "unicast_peer { 10.0.0.9 }", false, Transport{UnicastTTL: 255, UnicastPeers: []UnicastPeer{{Address: ip("10.0.0.9"), MaxTTL: 255}}}},
		{"", "unicast_fault_no_peer\nunicast_ttl 9", false, Transport{UnicastFaultNoPeer: true, UnicastTTL: 9}},
		{"vrrp_check_unicast_src\nv3_checksum_as_v2", "", false, Transport{CheckUnicastSource: true, V3ChecksumAsV2: true, UnicastTTL: 255}},
		{"vrrp_check_unicast_src\nv3_checksum_as_v2", "check_unicast_src off\nv3_checksum_as_v2 no", false, Transport{UnicastTTL: 255}},
		{"", "old_unicast_checksum", false, Transport{OldUnicastChecksum: true, UnicastTTL: 255}},
		{"", "old_unicast_checksum never", false, Transport{NoOldUnicastChecksum: true, UnicastTTL: 255}},
	} {
		src := instanceWith(c.words)
		if c.ipv6 {
			src = strings.Replace(six, "%s", c.words, 1)
		}
		i := valid(t, Keepalived, "global_defs {\n"+c.globals+"\n}\n"+src).Instances[0]
		if diff := cmp.Diff(c.want, i.Transport, cmpModel); diff != "" {
			t.Errorf("%s %s\n%s", c.globals, c.words, diff)
		}
		if version := map[bool]uint8{false: 2, true: 3}[c.ipv6]; i.Version != version {
			t.Errorf("%s: version %d", c.words, i.Version)
		}
	}
	i := valid(t, Keepalived, "vrrp_instance a {\nvirtual_router_id 1\nnative_ipv6\nno_virtual_ipaddress\n}\n").Instances[0]
	if !i.Transport.IPv6 || i.Version != 3 {
		t.Errorf("%+v", i)
	}
}

// What keepalived takes no notice of is a warning, and an error in HCL.
func TestMistakesOfTransport(t *testing.T) {
	for _, c := range []struct {
		keepalived, hcl  string
		mistake          string
		ignored, written string
	}{
		{"unicast_src_ip 10.0.0.8", `unicast_src_ip = "10.0.0.8"`, "unicast_src_ip has no unicast_peer beside it",
			"adverts go to a multicast group", "write unicast_peer, or mcast_src_ip"},
		{"unicast_ttl 9", `unicast_ttl = 9`, "unicast_ttl has no unicast_peer beside it", "adverts go to a multicast group", "write unicast_peer, or mcast_src_ip"},
		{"mcast_dst_ip 10.0.0.8", `mcast_dst_ip = "10.0.0.8"`, "10.0.0.8 is no multicast group", "it is ignored", "write one from 224.0.0.0 to 239.255.255.255"},
		{"mcast_dst_ip 224.0.0.9\nunicast_peer { 10.0.0.9 }", "mcast_dst_ip = \"224.0.0.9\"\nunicast_peer = [\"10.0.0.9\"]",
			"mcast_dst_ip has no effect with unicast_peer", "it is ignored", "remove it"},
		{"unicast_peer {\n10.0.0.9\n2001:db8::9\n}", `unicast_peer = ["10.0.0.9", "2001:db8::9"]`,
			`The adverts of vrrp_instance "a" go over IPv4, and 2001:db8::9 cannot hear them`, "it is left out", "remove it"},
		{"unicast_peer {\n10.0.0.9\n10.0.0.9\n}", `unicast_peer = ["10.0.0.9", "10.0.0.9"]`, "The peer 10.0.0.9 is given twice", "it is left out", "remove it"},
		{"unicast_src_ip 10.0.0.8\nunicast_peer {\n10.0.0.8\n10.0.0.9\n}", "unicast_src_ip = \"10.0.0.8\"\nunicast_peer = [\"10.0.0.8\", \"10.0.0.9\"]",
			"The peer 10.0.0.8 is this node itself", "it is left out", "remove it"},
	} {
		got := lines(read(t, Keepalived, instanceWith(c.keepalived)).Diags)
		if len(got) != 1 || !strings.HasPrefix(got[0], "warning ") || !strings.HasSuffix(got[0], ": "+c.mistake+"; "+c.ignored) {
			t.Errorf("%s\n%q", c.keepalived, got)
		}
		src := "vrrp_instance \"a\" {\nvirtual_router_id = 1\ninterface = \"eth0\"\nvirtual_ipaddress = [\"10.0.0.1\"]\n" + c.hcl + "\n}\n"
		got = lines(read(t, HCL, src).Diags)
		if len(got) != 1 || !strings.HasPrefix(got[0], "error ") || !strings.HasSuffix(got[0], ": "+c.mistake+"; "+c.written) {
			t.Errorf("%s\n%q", c.hcl, got)
		}
	}
}

// Adverts come from one machine, and go to one.
func TestAddressesThatNoNodeHas(t *testing.T) {
	for words, want := range map[string]string{
		"mcast_src_ip 224.0.0.9":                                      "224.0.0.9 is no address of one machine; write one that this node sends from",
		"unicast_src_ip 255.255.255.255\nunicast_peer { 10.0.0.9 }":   "255.255.255.255 is no address of one machine; write one that this node sends from",
		"unicast_src_ip 10.0.0.8\nunicast_peer {\n255.255.255.255\n}": "255.255.255.255 is no address of one machine; write that of the other node",
	} {
		got := lines(read(t, Keepalived, instanceWith(words)).Diags)
		if len(got) != 1 || !strings.HasPrefix(got[0], "error ") || !strings.HasSuffix(got[0], ": "+want) {
			t.Errorf("%s\n%q", words, got)
		}
	}
}

func TestTrackedSourceThatNobodyNames(t *testing.T) {
	got := lines(read(t, Keepalived, instanceWith("track_src_ip")).Diags)
	if len(got) != 1 || !strings.HasPrefix(got[0], "warning ") || !strings.HasSuffix(got[0], ": track_src_ip has no address to track, and does nothing; write unicast_src_ip or mcast_src_ip") {
		t.Errorf("%q", got)
	}
}

// An advert has room for so many addresses; the others move too.
func TestMoreAddressesThanAnAdvertNames(t *testing.T) {
	for format, limit := range map[string]int{"10.0.%d.%d": 255, "2001:db8::%d:%d": 89} {
		var list []string
		for n := range limit + 3 {
			list = append(list, strings.NewReplacer("%d.%d", strconv.Itoa(n/200)+"."+strconv.Itoa(n%200+1), "%d:%d", strconv.Itoa(n/200)+":"+strconv.Itoa(n%200+1)).Replace(format))
		}
		src := "vrrp_instance a {\nvirtual_router_id 1\nvirtual_ipaddress {\n" + strings.Join(list, "\n") + "\n}\nvirtual_ipaddress_excluded { 10.9.9.9 }\n}\n"
		r := read(t, Keepalived, src)
		if got := lines(r.Diags); len(got) != 1 || !strings.Contains(got[0], "an advert names "+strconv.Itoa(limit)+" at most; the others move too") {
			t.Fatalf("%q", got)
		}
		if i := r.Config.Instances[0]; len(i.Addresses) != limit || len(i.Excluded) != 4 || i.Excluded[3].Prefix.String() != "10.9.9.9/32" {
			t.Errorf("%d and %d addresses", len(i.Addresses), len(i.Excluded))
		}
	}
}

// A virtual router is one of its family.
func TestFamiliesShareIDs(t *testing.T) {
	src := "vrrp_instance a {\nvirtual_router_id 1\nvirtual_ipaddress { 10.0.0.1 }\n}\nvrrp_instance b {\nvirtual_router_id 1\nvirtual_ipaddress { 2001:db8::1 }\n}\n"
	if c := valid(t, Keepalived, src); c.Instances[0].Transport.IPv6 || !c.Instances[1].Transport.IPv6 {
		t.Errorf("%+v", c.Instances)
	}
}
