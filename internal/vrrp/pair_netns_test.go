//go:build netns

package vrrp

import (
	"testing"
	"time"
)

// hmacOf are the words of auth_hmac with keys of these numbers, of which the first signs.
func hmacOf(ids ...uint8) HMAC {
	h := HMAC{Active: ids[0], Window: 10 * time.Second}
	for _, id := range ids {
		h.Keys = append(h.Keys, keyOf(id))
	}
	return h
}

func neighborOfOurs(w *wire, side int, configs []Config, groups []SyncGroup) party {
	return &ours{w: w, side: side, configs: configs, groups: groups}
}

// Two nodes of lvsd, in the ways that configurations differ most in, and with what lvsd alone has: signed adverts.
func TestPair(t *testing.T) {
	t.Parallel()
	signed := func(c *Config, _ int) { c.HMAC = hmacOf(1) }
	list := []way{
		{"version 2, signed", []Key{outside}, 2, signed},
		{"version 3, signed", []Key{outside}, 3, signed},
		{"IPv6, signed", []Key{outside6}, 3, signed},
		{"signed, two segments", []Key{outside, inside}, 3, signed},
	}
	for _, v := range ways() {
		switch v.name {
		case "version 2, password", "version 3, unicast", "IPv6", "IPv6, unicast":
			list = append(list, v)
		}
	}
	lives(t, list, []string{"lvsd"}, neighborOfOurs)
}

// Signing is put in place, and its key changed, one node after the other, and no step costs a mastership
// (docs/vrrp-hmac.md). In the end a master that does not sign is none.
func TestPairBeginsToSign(t *testing.T) {
	t.Parallel()
	for _, v := range []way{{"IPv4", []Key{outside}, 3, func(*Config, int) {}}, {"IPv6", []Key{outside6}, 3, func(*Config, int) {}}} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			e := newEncounter(t, &v, 0, neighborOfOurs, true)
			e.begins(0)
			e.joins(1)
			began := time.Now()
			configure := func(side int, h HMAC) {
				c := e.configs[side][0]
				c.HMAC = h
				e.node[side].(*ours).runner.Configure([]Config{c}, nil, nil)
			}
			silent, permissive := hmacOf(1), hmacOf(1)
			silent.Silent, silent.Permissive, permissive.Permissive = true, true, true
			for _, h := range []HMAC{silent, permissive, hmacOf(1), hmacOf(1, 2), hmacOf(2, 1), hmacOf(2)} {
				for side := range 2 {
					configure(side, h)
					e.hears(0, 5) // more than the backup waits for
				}
			}
			e.keepsQuiet(1, began)
			for _, n := range e.node {
				n.content()
			}

			alone := time.Now()
			configure(0, HMAC{})
			e.node[1].serves(true)
			if _, first := e.taps["eth0"].change(v.keys[0], 1, alone); first.at.Sub(alone) < downIn(e.configs[1][0])-e.configs[1][0].Interval-early {
				t.Errorf("the node that listens to signed adverts alone waited %v", first.at.Sub(alone))
			}
		})
	}
}
