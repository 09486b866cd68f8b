package director

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lvsd/internal/netif"
)

// packetKernel is nftables in memory.
type packetKernel struct {
	wrote func(string)

	mu      sync.Mutex
	rules   []netif.PacketRule
	missing error // why there is none
	changed func()
}

func (k *packetKernel) Dump() (netif.PacketTable, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	table := netif.PacketTable{Present: len(k.rules) > 0, Whole: len(k.rules) > 0}
	for i, r := range k.rules {
		table.Rules = append(table.Rules, netif.KernelRule{Rule: r, Handle: uint64(i)})
	}
	return table, k.missing
}

func (k *packetKernel) Apply(c netif.PacketChange) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.Anew {
		k.rules = nil
	}
	for _, d := range c.Delete {
		k.rules = slices.DeleteFunc(k.rules, func(r netif.PacketRule) bool { return r == d.Rule })
	}
	k.rules = append(k.rules, c.Add...)
	for _, op := range c.Operations() {
		k.wrote(op)
	}
	return nil
}

func (k *packetKernel) Watch(ctx context.Context, changed func()) error {
	k.mu.Lock()
	k.changed = changed
	k.mu.Unlock()
	changed()
	<-ctx.Done()
	return nil
}

// take is somebody who removes the rules.
func (k *packetKernel) take() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rules = nil
	if k.changed != nil {
		k.changed()
	}
}

const marked = `
global_defs {
  masquerade = ["10.0.0.0/24 out vip1"]
}
static_ipaddress = ["192.0.2.1/32 dev vip0"]
virtual_server "fwmark" "7" {
  mark = ["192.0.2.1 tcp 80,443", "192.0.2.1 udp"]
  real_server "10.0.0.1" "0" {}
}
`

func TestPacketsOfAConfiguration(t *testing.T) {
	var got []string
	for _, r := range packets(planSide(t, marked)) {
		got = append(got, r.String())
	}
	want := []string{"mark 7 for 192.0.2.1 tcp 80", "mark 7 for 192.0.2.1 tcp 443", "mark 7 for 192.0.2.1 udp", "masquerade 10.0.0.0/24 out vip1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

// Rules are there before the address, whatever the role, are put back when somebody takes them, and go after
// it.
func TestPacketsComeFirstAndGoLast(t *testing.T) {
	n := startNode(t, marked)
	n.wait(t, PacketsSet)
	n.wait(t, AddressAdded)
	n.packets.take()
	n.wait(t, PacketsHealed)
	n.Stop()
	if err := n.end(t); err != nil {
		t.Error(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	at := func(text string) int {
		return slices.IndexFunc(n.writes, func(w string) bool { return strings.HasPrefix(w, text) })
	}
	rule, on, off, gone := at("add mark 7"), at("add address 192.0.2.1"), at("delete address 192.0.2.1"), at("delete table lvsd")
	if rule < 0 || on < rule || off < on || gone < off {
		t.Errorf("not in order (%d %d %d %d): %q", rule, on, off, gone, n.writes)
	}
}

// Without nftables one event says so, and all else works.
func TestPacketsWithoutNftables(t *testing.T) {
	n := startNode(t, marked, func(n *node) { n.packets.missing = errors.New("modprobe nf_tables") })
	n.wait(t, PacketsFailed)
	n.wait(t, AddressAdded)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if s, err := n.Status(ctx); err != nil || s.NftablesError != "modprobe nf_tables" {
		t.Errorf("status: %q, %v", s.NftablesError, err)
	}
	n.Stop()
	if err := n.end(t); err != nil {
		t.Error(err)
	}
	if got := n.count(PacketsFailed); got != 1 {
		t.Errorf("told %d times", got)
	}
}
