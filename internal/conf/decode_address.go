package conf

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"lvsd/internal/conf/keepalived"
)

// addressWords are the words behind an address, and whether each has a value.
func addressWords() map[string]bool {
	return map[string]bool{"dev": true, "label": true, "scope": true, "brd": true, "broadcast": true, "peer": true,
		"preferred_lft": true, "home": false, "-nodad": false, "nodad": false, "mngtmpaddr": false, "noprefixroute": false,
		"autojoin": false, "no_track": false}
}

// virtualAddress reads one line: an address, words and their values; lft is the preferred lifetime of an
// IPv6 address with a subnet that says none. It is false where there is an error.
func (d *decoder) virtualAddress(n *keepalived.Node, block, dev string, lft time.Duration) (a VirtualAddress, sound bool) {
	a = VirtualAddress{Dev: dev, PreferredLft: Forever, Range: n.Range}
	given := map[string]keepalived.Word{}
	words := addressWords()
	for rest := n.Args; len(rest) > 0; rest = rest[1:] {
		w := rest[0]
		hasValue, known := words[w.Text]
		name := strings.Replace(w.Text, "broadcast", "brd", 1)
		_, twice := given[name]
		switch {
		case !known:
			hint := ""
			if near := keepalived.Nearest(w.Text, sortedKeys(words)); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			d.errorf(w.Range, "Unknown keyword %q in %s%s", w.Text, block, hint)
			return a, false
		case hasValue && len(rest) == 1:
			d.errorf(w.Range, "%q needs a value behind it", w.Text)
			return a, false
		case twice:
			d.errorf(w.Range, "%q is given twice; remove one", w.Text)
			return a, false
		}
		given[name] = w
		if hasValue {
			rest = rest[1:]
			given[name] = rest[0]
		}
	}
	_, multicast := given["autojoin"]
	sound = d.virtualPrefix(block, n.Keyword, multicast, &a.Prefix)
	return a, d.addressOptions(&a, lft, given) && sound
}

func sortedKeys(words map[string]bool) []string {
	var keys []string
	for w := range words {
		keys = append(keys, w)
	}
	slices.Sort(keys)
	return keys
}

// addressOptions reads what stands behind an address: the words that have no value, or their
// values.
func (d *decoder) addressOptions(a *VirtualAddress, lft time.Duration, given map[string]keepalived.Word) (sound bool) {
	sound = true
	value := func(name string, read func(keepalived.Word) bool) {
		if w, ok := given[name]; ok {
			sound = read(w) && sound
		}
	}
	value("dev", func(w keepalived.Word) bool { return d.interfaceName("dev", w, &a.Dev) })
	value("label", func(w keepalived.Word) bool { return d.label(w, &a.Label) })
	value("scope", func(w keepalived.Word) bool { return d.scope(w, &a.Scope) })
	if !a.Prefix.IsValid() {
		return sound
	}
	value("peer", func(w keepalived.Word) bool { return d.peer(w, a) })
	if a.Prefix.Addr().Is6() {
		a.PreferredLft = lft
		if a.Prefix.IsSingleIP() {
			a.PreferredLft = 0 // nothing of the host's own should come from an address that moves
		}
	}
	value("brd", func(w keepalived.Word) bool { return d.broadcast(w, a) })
	value("preferred_lft", func(w keepalived.Word) bool { return d.preferred(w, a) })
	_, a.NoTrack = given["no_track"]
	_, a.NoPrefixRoute = given["noprefixroute"]
	_, a.AutoJoin = given["autojoin"]
	six := func(name string, to *bool) {
		value(name, func(w keepalived.Word) bool {
			*to = a.Prefix.Addr().Is6()
			return *to || d.repairs(w.Range, name+" is for IPv6 addresses", "it is ignored", "remove it")
		})
	}
	six("home", &a.Home)
	six("-nodad", &a.DAD)
	six("mngtmpaddr", &a.ManageTempAddr)
	value("autojoin", func(w keepalived.Word) bool {
		if !a.Prefix.Addr().IsMulticast() {
			d.errorf(w.Range, "autojoin is for multicast addresses, whose group the host then joins; remove it")
		}
		return a.Prefix.Addr().IsMulticast()
	})
	value("mngtmpaddr", func(w keepalived.Word) bool {
		if a.ManageTempAddr && a.Prefix.Bits() != 64 {
			d.errorf(w.Range, "mngtmpaddr needs a prefix length of 64, from which the kernel makes temporary addresses")
		}
		return !a.ManageTempAddr || a.Prefix.Bits() == 64
	})
	value("nodad", func(w keepalived.Word) bool {
		if a.DAD {
			d.errorf(w.Range, "nodad and -nodad contradict one another; remove one")
		}
		return !a.DAD
	})
	return sound
}

// peer reads the other end of a point-to-point address, which the prefix length then belongs to.
func (d *decoder) peer(w keepalived.Word, a *VirtualAddress) bool {
	prefix, err := parsePrefix(w.Text)
	own := a.Prefix.Addr()
	switch {
	case err != nil || prefix.Addr().Is4() != own.Is4():
		d.errorf(w.Range, "The peer of %s is an address of the same family, not %q", own, w.Text)
	case prefix.Addr() == own:
		d.errorf(w.Range, "The peer of %s is another address", own)
	case prefix.Bits() == 0:
		d.errorf(w.Range, "The prefix length of %s is 1 to %d", w.Text, own.BitLen())
	default:
		a.Peer = prefix.Addr()
		if strings.Contains(w.Text, "/") || a.Prefix.IsSingleIP() {
			a.Prefix = netip.PrefixFrom(own, prefix.Bits())
		}
		return true
	}
	return false
}

// broadcast reads a broadcast address, or what ip-address(8) makes one of: "+" is the last address
// of the subnet, "-" the first.
func (d *decoder) broadcast(w keepalived.Word, a *VirtualAddress) bool {
	if a.Prefix.Addr().Is6() {
		return d.repairs(w.Range, "IPv6 has no broadcast addresses", "it is ignored", "remove it")
	}
	if w.Text == "+" || w.Text == "-" {
		subnet := a.Prefix
		if a.Peer.IsValid() {
			subnet = netip.PrefixFrom(a.Peer, a.Prefix.Bits())
		}
		four := subnet.Masked().Addr().As4()
		for bit := subnet.Bits(); bit < 32 && w.Text == "+"; bit++ {
			four[bit/8] |= 0x80 >> (bit % 8)
		}
		a.Broadcast = netip.AddrFrom4(four)
		return true
	}
	addr, err := netip.ParseAddr(w.Text)
	if err != nil || !addr.Is4() || addr.IsUnspecified() {
		d.errorf(w.Range, "brd takes an IPv4 address, + or -, not %q", w.Text)
		return false
	}
	a.Broadcast = addr
	return true
}

func (d *decoder) preferred(w keepalived.Word, a *VirtualAddress) bool {
	v, err := strconv.ParseInt(w.Text, 10, 32)
	switch {
	case a.Prefix.Addr().Is4():
		return d.repairs(w.Range, "preferred_lft counts for IPv6 addresses alone", "it is ignored", "remove it")
	case w.Text == "forever":
		a.PreferredLft = Forever
	case err != nil || v < 0:
		d.errorf(w.Range, "preferred_lft is a whole number of seconds up to %d, or forever, not %q", math.MaxInt32, w.Text)
		return false
	default:
		a.PreferredLft = time.Duration(v) * time.Second
	}
	return true
}

// parsePrefix reads an address with or without a prefix length; without, it is the whole address.
func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is no address", text)
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

// virtualPrefix reads an address that moves, with or without a prefix length.
func (d *decoder) virtualPrefix(block string, w keepalived.Word, multicast bool, to *netip.Prefix) bool {
	prefix, err := parsePrefix(w.Text)
	addr := prefix.Addr()
	switch {
	case err != nil || addr.Is4In6():
		d.errorf(w.Range, "%s takes an address such as 192.168.2.11/24 or 2001:db8::11/64, not %q", block, w.Text)
	case addr.IsUnspecified() || addr.IsMulticast() && !multicast || addr.IsLoopback() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		d.errorf(w.Range, "%s is no address that can move between machines", addr)
	case prefix.Bits() == 0:
		d.errorf(w.Range, "The prefix length of %s is 1 to %d", w.Text, addr.BitLen())
	default:
		*to = prefix
		return true
	}
	return false
}

func (d *decoder) label(w keepalived.Word, to *string) bool {
	if w.Text == "" || len(w.Text) > maxInterface || !graphic(w.Text) {
		d.errorf(w.Range, "A label has 1 to %d printable characters, unlike %q", maxInterface, w.Text)
		return false
	}
	*to = w.Text
	return true
}

// scope reads a scope by its name in iproute2 or by its number, rtnetlink(7).
func (d *decoder) scope(w keepalived.Word, to *uint8) bool {
	switch w.Text {
	case "global":
		*to = 0
	case "site":
		*to = 200
	case "link":
		*to = 253
	case "host":
		*to = 254
	case "nowhere":
		*to = 255
	default:
		v, err := strconv.ParseUint(w.Text, 10, 8)
		if err != nil {
			d.errorf(w.Range, "scope is global, site, link, host, nowhere or a number from 0 to 255, not %q", w.Text)
			return false
		}
		*to = uint8(v)
	}
	return true
}
