//go:build netns

package director

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// spoken has an instance of each kind that there is, and a sync group.
const spoken = `vrrp_instance "plain2" {
  interface         = "eth0"
  version           = 2
  virtual_router_id = 1
  virtual_ipaddress = ["192.0.2.11/24"]
}
vrrp_instance "password" {
  interface         = "eth0"
  version           = 2
  virtual_router_id = 2
  authentication {
    auth_type = "PASS"
    auth_pass = "secret"
  }
  virtual_ipaddress = ["192.0.2.12/24", "192.0.2.13/24"]
}
vrrp_instance "plain3" {
  interface         = "eth0"
  advert_int        = "300ms"
  virtual_router_id = 3
  virtual_ipaddress = ["192.0.2.14/24"]
}
vrrp_instance "unicast" {
  interface         = "eth0"
  virtual_router_id = 4
  unicast_src_ip    = "192.0.2.1"
  unicast_peer      = ["192.0.2.2"]
  virtual_ipaddress = ["192.0.2.15/24"]
}
vrrp_instance "six" {
  interface         = "eth0"
  virtual_router_id = 5
  virtual_ipaddress = ["2001:db8::11/64", "fe80::11/64"]
}
vrrp_sync_group "both" {
  group = ["plain3", "six"]
}
vrrp_instance "signed2" {
  interface         = "eth0"
  version           = 2
  virtual_router_id = 6
  auth_hmac {
    key        = ["1 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"]
    active_key = 1
  }
  virtual_ipaddress = ["192.0.2.16/24"]
}
vrrp_instance "signed3" {
  interface         = "eth0"
  virtual_router_id = 7
  auth_hmac {
    key        = ["1 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"]
    active_key = 1
  }
  virtual_ipaddress = ["192.0.2.17/24"]
}
vrrp_instance "signed6" {
  interface         = "eth0"
  virtual_router_id = 8
  auth_hmac {
    key        = ["1 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"]
    active_key = 1
  }
  virtual_ipaddress = ["2001:db8::12/64"]
}
`

// kinds are the names of spoken's instances by virtual_router_id, from 1 on.
func kinds() []string {
	return []string{"plain2", "password", "plain3", "unicast", "six", "signed2", "signed3", "signed6"}
}

// dissected is a packet as tshark sees it: fields by their names in its language.
type dissected map[string]string

// dissect has tshark read a capture.
func dissect(t *testing.T, file string) []dissected {
	t.Helper()
	names := []string{"eth.src", "eth.dst", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.ttl", "ipv6.hlim", "ip.checksum.status",
		"vrrp.version", "vrrp.virt_rtr_id", "vrrp.prio", "vrrp.addr_count", "vrrp.checksum.status", "vrrp.auth_string", "vrrp.short_adver_int",
		"arp.opcode", "arp.isgratuitous", "arp.src.proto_ipv4", "icmpv6.type", "icmpv6.checksum.status", "icmpv6.nd.na.flag.o",
		"icmpv6.nd.na.flag.s", "icmpv6.nd.na.target_address", "_ws.malformed", "_ws.expert.severity", "_ws.expert.message"}
	args := []string{"-n", "-r", file, "-T", "fields", "-E", "separator=|", "-o", "ip.check_checksum:TRUE"}
	for _, n := range names {
		args = append(args, "-e", n)
	}
	var list []dissected
	cmd := exec.Command("tshark", args...)
	cmd.Stderr = &strings.Builder{}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %v", err, cmd.Stderr)
	}
	for line := range strings.Lines(string(out)) {
		d := dissected{}
		for n, value := range strings.Split(strings.TrimSuffix(line, "\n"), "|") {
			d[names[n]] = value
		}
		list = append(list, d)
	}
	return list
}

// capture writes down what passes lb1's port of the first switch, until do has returned, and returns the file.
// The buffer is cut into slots of a whole packet each: of the usual sizes there are eight, and bursts are lost.
func (s segment) capture(t *testing.T, do func()) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "capture.pcap")
	cmd := exec.Command("ip", "netns", "exec", s.prefix+"switch", "tcpdump", "-Z", "root", "-s", "2048", "-B", "16384", "--immediate-mode", "-U", "-i", "lb1-0", "-w", file)
	said, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	lines := bufio.NewReader(said)
	for text := ""; !strings.Contains(text, "listening"); {
		text, err = lines.ReadString('\n')
		must(t, err)
	}
	do()
	must(t, cmd.Process.Signal(unix.SIGINT))
	_, err = io.Copy(io.Discard, lines)
	must(t, err)
	must(t, cmd.Wait())
	return file
}

// severe is the least severity of tshark that is a complaint: a warning.
const severe = 0x600000

// complaints are what tshark finds wrong.
func (d dissected) complaints() string {
	text := ""
	for _, severity := range strings.Split(d["_ws.expert.severity"], ",") {
		if n, err := strconv.Atoi(severity); err == nil && n >= severe {
			text += d["_ws.expert.message"]
		}
	}
	for _, sum := range []string{"ip.checksum.status", "vrrp.checksum.status", "icmpv6.checksum.status"} {
		if d[sum] == "0" {
			text += " " + sum + " is bad"
		}
	}
	return text + d["_ws.malformed"]
}

// What a node says in its life, tshark reads as it is meant and without a complaint, the trailer of a signed advert included:
// adverts of each kind, the last ones with priority 0, gratuitous ARP, and unsolicited neighbour advertisements.
func TestDissect(t *testing.T) {
	s := newSegment(t)
	file := s.capture(t, func() {
		lb1 := s.nodeWith(t, "lb1", spoken)
		for range kinds() {
			lb1.becomes(t, "MASTER")
		}
		lb1.signal(t, unix.SIGTERM)
		lb1.wait(t, Stopped)
	})
	mac := strings.Fields(s.ip(t, "lb1", "-br", "link", "show", "dev", "eth0"))[2]
	seen := map[string]bool{}
	for _, d := range dissect(t, file) {
		if d["eth.src"] != mac {
			continue
		}
		if c := d.complaints(); c != "" {
			t.Errorf("tshark says %s of %v", c, d)
		}
		switch {
		case d["vrrp.version"] != "":
			seen[d.advert(t)] = true
		case d["arp.isgratuitous"] == "1":
			if d["arp.opcode"] != "1" || d["eth.dst"] != "ff:ff:ff:ff:ff:ff" {
				t.Errorf("%v", d)
			}
			seen["ARP "+d["arp.src.proto_ipv4"]] = true
		case d["icmpv6.type"] == "136" && d["icmpv6.nd.na.flag.s"] == "0":
			if d["icmpv6.nd.na.flag.o"] != "1" || d["ipv6.dst"] != "ff02::1" || d["eth.dst"] != "33:33:00:00:00:01" ||
				d["ipv6.src"] != d["icmpv6.nd.na.target_address"] || d["ipv6.hlim"] != "255" {
				t.Errorf("%v", d)
			}
			seen["NA "+d["icmpv6.nd.na.target_address"]] = true
		}
	}
	want := []string{"NA 2001:db8::11", "NA 2001:db8::12", "NA fe80::11"}
	for host := 11; host <= 17; host++ {
		want = append(want, fmt.Sprintf("ARP 192.0.2.%d", host))
	}
	for _, name := range kinds() {
		want = append(want, name+" 100", name+" 0")
	}
	for _, w := range want {
		if !seen[w] {
			t.Errorf("%s was not seen", w)
		}
	}
}

// advert holds an advert to its instance, and names it with its priority.
func (d dissected) advert(t *testing.T) string {
	t.Helper()
	id, err := strconv.Atoi(d["vrrp.virt_rtr_id"])
	must(t, err)
	name := kinds()[id-1]
	want := dissected{"vrrp.version": "3", "vrrp.short_adver_int": "100", "vrrp.addr_count": "1", "vrrp.checksum.status": "1"}
	switch name {
	case "plain2", "password", "signed2":
		want["vrrp.version"], want["vrrp.short_adver_int"] = "2", ""
	case "plain3":
		want["vrrp.short_adver_int"] = "30"
	}
	if name == "password" {
		want["vrrp.auth_string"], want["vrrp.addr_count"] = "secret", "2"
	}
	switch name {
	case "six", "signed6":
		want["ipv6.dst"], want["eth.dst"], want["ipv6.hlim"] = "ff02::12", "33:33:00:00:00:12", "255"
		if name == "six" {
			want["vrrp.addr_count"] = "2"
		}
	case "unicast":
		want["ip.src"], want["ip.dst"], want["ip.ttl"], want["ip.checksum.status"] = "192.0.2.1", "192.0.2.2", "255", "1"
	default:
		want["ip.src"], want["ip.dst"], want["ip.ttl"], want["ip.checksum.status"] = "192.0.2.1", "224.0.0.18", "255", "1"
		want["eth.dst"] = "01:00:5e:00:00:12"
	}
	for field, value := range want {
		if d[field] != value {
			t.Errorf("%s has %s %q, want %q", name, field, d[field], value)
		}
	}
	return name + " " + d["vrrp.prio"]
}

// A packet that is not right is complained of: the fields above are those in which tshark says so.
func TestDissectComplains(t *testing.T) {
	s := newSegment(t)
	file := s.capture(t, func() { s.node(t, "lb1").becomes(t, "MASTER") })
	text, err := os.ReadFile(file)
	must(t, err)
	right, wrong := []byte{0x31, 51, 150}, []byte{0x31, 51, 151}
	must(t, os.WriteFile(file, bytes.ReplaceAll(text, right, wrong), 0o600))
	for _, d := range dissect(t, file) {
		if d["vrrp.prio"] == "151" {
			if !strings.Contains(d.complaints(), "hecksum") {
				t.Errorf("no complaint of %v", d)
			}
			return
		}
	}
	t.Error("there is no advert")
}
