package conf

import (
	"bytes"
	"strings"
	"testing"
)

// Mistakes that are told apart, each where it is.
func TestMessages(t *testing.T) {
	for _, c := range []struct {
		format Format
		text   string
		want   []string
	}{
		{Keepalived, instanceWith("unicast_fault_no_peer"), []string{
			`warning lb.conf:1:1: vrrp_instance "a" is in FAULT for ever: it has unicast_fault_no_peer and no unicast_peer; write the other node's address in unicast_peer`}},
		{Keepalived, instanceWith("unicast_fault_no_peer\nunicast_peer {\n10.0.0.2\n}"), nil},
		{Keepalived, instanceWith("virtual_rules {\nfrom 10.0.0.9 tos 0x20 table 100 preference 5\n}"), []string{
			"warning lb.conf:6:1: The kernel takes no tos 0x20 in a rule of IPv4; the rule is left out, as by keepalived"}},
		{Keepalived, instanceWith("virtual_rules {\nfrom 10.0.0.9 tos 0x1c table 100 preference 5\nfrom 2001:db8::1 tos 0x20 table 100 preference 5\n}"), nil},
		{HCL, "vrrp_instance \"web\" {\n  interface = \"eth0\"\n  virtual_router_id = 1\n  virtual_ipaddress = [\"10.0.0.9/24\"]\n  virtual_rules = [\"from 10.0.0.9 tos 0x20 table 100 preference 5\"]\n}\n", []string{
			"error lb.hcl:5:20: The kernel takes no tos 0x20 in a rule of IPv4; write one of 0x04, 0x08, 0x0c and so on to 0x1c"}},
		{HCL, "vrrp_instance \"web\" {\n  interface = \"eth0\"\n  virtual_router_id = 1\n  virtual_ipaddress = [\"10.0.0.9/24\"]\n" +
			"  auth_hmac {\n    key = [\"1 short\", \"0 x\", \"2 x\"]\n    active_key = 1\n  }\n}\n", []string{
			"error lb.hcl:6:12: Key 1: it has 5 bytes, and needs 32 to 64",
			`error lb.hcl:6:23: A key has a number from 1 to 255, not "0"`,
			"error lb.hcl:6:30: Key 2: it has 1 bytes, and needs 32 to 64"}},
		{Keepalived, serviceWith("real_server 10.0.0.3 80 {\nlthreshold 4\nuthreshold 3\n}"), []string{
			"error lb.conf:4:1: An lthreshold of 4 is above the uthreshold of 3; write 3 or less"}},
		{Keepalived, serverWith("lthreshold 4"), []string{
			"error lb.conf:4:1: lthreshold is of no use without a uthreshold; write a uthreshold of 4 or more, or remove it"}},
		{Keepalived, serverWith("lthreshold 4\nuthreshold x"), []string{
			`error lb.conf:5:12: uthreshold takes a whole number from 0 to 2147483647, not "x"`}},
		{Keepalived, serviceWith("hysteresis 1"), []string{
			"warning lb.conf:3:1: A quorum of 1 has no room for a hysteresis; the hysteresis is ignored"}},
		{HCL, "virtual_server \"10.0.0.1\" \"80\" {\n  hysteresis = 1\n  real_server \"10.0.0.2\" \"80\" {}\n}\n", []string{
			"error lb.hcl:2:3: A quorum of 1 has no room for a hysteresis; remove it, or raise the quorum above it"}},
		{Keepalived, "virtual_server 10.0.0.1 80 {\npersistence_engine sip\nreal_server 10.0.0.2 80 {\n}\nprotocol TCP\n}\n", []string{
			"warning lb.conf:2:1: persistence_engine sip reads UDP alone, and the kernel drops every connection of TCP; it is ignored"}},
		{Keepalived, "virtual_server 10.0.0.1 80 {\npersistence_timeout 9\npersistence_engine sip\nreal_server 10.0.0.2 80 {\n}\nprotocol UDP\n}\n", nil},
		{Keepalived, "virtual_server fwmark 1 {\npersistence_timeout 9\npersistence_engine sip\nreal_server 10.0.0.2 80 {\n}\n}\n", nil},
		{Keepalived, sourceWith(""), []string{
			"warning lb.conf:5:1: checks of real_server 2001:db8::31 come from 2001:db8::11 while this node has it, and get no answer, since the server has it too; write preferred_lft 0 behind the address, and give the node one of its own in 2001:db8::/64"}},
		{Keepalived, sourceWith("bindto 2001:db8::1"), nil},
		{Keepalived, strings.Replace(sourceWith(""), "/64", "/64 preferred_lft 0", 1), nil},
		{Keepalived, strings.Replace(sourceWith(""), "real_server 2001:db8::31", "real_server 2001:db8:1::31", 1), nil},
		{Keepalived, strings.Replace(sourceWith(""), "lb_kind DR", "lb_kind NAT", 1), nil},
		{HCL, hclSource("\"2001:db8::11/64\""), nil},
		{HCL, hclSource("{ address = \"2001:db8::11/64\", preferred_lft = \"forever\" }"), []string{
			"warning lb.hcl:4:24: checks of real_server 2001:db8::31 come from 2001:db8::11 while this node has it, and get no answer, since the server has it too; write preferred_lft 0 behind the address, and give the node one of its own in 2001:db8::/64"}},
		{HCL, "locals {\n  a = \"gr\u00f6\xdfe\"\n  b = \"\xe9\"\n}\n", []string{
			"error lb.hcl:2:11: This is not valid UTF-8; save the file as UTF-8"}},
		{HCL, "locals {\n  gr\xf6\xdfe = 1\n}\n", []string{
			"error lb.hcl:2:5: This is not valid UTF-8; save the file as UTF-8"}},
		{HCL, "locals {\n  a = <<X\n\xe9 ${1}\nX\n}\n", []string{
			"error lb.hcl:3:1: This is not valid UTF-8; save the file as UTF-8"}},
		{HCL, "\xff\xfel\x00o\x00", []string{
			"error lb.hcl:1:1: This is not valid UTF-8; save the file as UTF-8"}},
		{HCL, "# caf\xe9\nlocals {\n  a = 1\n}\n", []string{
			"warning lb.hcl:1:1: This configuration says nothing: lvsd does nothing with it; see whether the file is whole"}},
	} {
		if got := lines(read(t, c.format, c.text).Diags); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s\n%s\nwant\n%s", c.text, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// That version 2 was written is no reason to speak of version 3 alone.
func TestAuthenticationOverIPv6(t *testing.T) {
	src := strings.Replace(instanceWith("version 2\nnative_ipv6\nauthentication {\nauth_type PASS\nauth_pass x\n}"), "10.0.0.1", "2001:db8::9/64", 1)
	want := "Over IPv6 there is version 3 alone, which has no authentication (RFC 9568 §9); it is ignored, by keepalived too"
	if got := strings.Join(lines(read(t, Keepalived, src).Diags), "\n"); !strings.Contains(got, want) {
		t.Errorf("%s", got)
	}
}

// A key is shown with no error, wherever it stands and whatever the error is about.
func TestNoKeyIsShown(t *testing.T) {
	const key = "1 shownshownshownshownshownshownshown"
	for _, text := range []string{
		"  key = [\n\"" + key + "\" \"2 x\"\n]",
		"  key = [\n    \"" + key + "\n  ]",
		"  key = [\"" + key + "\"] active_key = 1",
		"  keys = [\"" + key + "\"]",
		"  key = [\"1 ${shownshownshown\"]",
	} {
		r := read(t, HCL, "vrrp_instance \"web\" {\n  auth_hmac {\n"+text+"\n  }\n}\nlocals { k = \""+key+"\" \"x\" }\n")
		var printed bytes.Buffer
		if err := r.WriteDiagnostics(&printed, false); err != nil || printed.Len() == 0 || strings.Contains(printed.String(), "shown") {
			t.Errorf("%s\n%v\n%s", text, err, &printed)
		}
	}
}

// sourceWith is a service of DR whose server is in the subnet of the VIP; its check has a word.
func sourceWith(word string) string {
	return "vrrp_instance web {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n2001:db8::11/64\n}\n}\n" +
		"virtual_server 2001:db8::11 80 {\nprotocol TCP\nlb_kind DR\nreal_server 2001:db8::31 80 {\nTCP_CHECK {\n" + word + "\n}\n}\n}\n"
}

// hclSource is the same in HCL, with an address.
func hclSource(address string) string {
	return "vrrp_instance \"web\" {\n  interface = \"eth0\"\n  virtual_router_id = 51\n  virtual_ipaddress = [" + address + "]\n}\n" +
		"virtual_server \"2001:db8::11\" \"80\" {\n  lb_kind = \"DR\"\n  real_server \"2001:db8::31\" \"80\" {\n    TCP_CHECK {}\n  }\n}\n"
}
