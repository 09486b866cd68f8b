//go:build netns

package netif

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// packetsOnHost runs an applier on the real kernel, with a table of somebody else's beside.
func packetsOnHost(t *testing.T) (*PacketApplier, chan PacketReport, *nftables.Conn) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	c.AddTable(&nftables.Table{Name: "others", Family: nftables.TableFamilyINet})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	reports := make(chan PacketReport, 100)
	a := NewPacketApplier(HostPackets(), func(r PacketReport) { reports <- r })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return a, reports, c
}

func nextPackets(t *testing.T, reports chan PacketReport) PacketReport {
	t.Helper()
	select {
	case r := <-reports:
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		return r
	case <-time.After(30 * time.Second):
		t.Fatal("no report")
		return PacketReport{}
	}
}

// Every kind of rule is read from the real kernel as it was written; an unchanged table is not written; what somebody does
// to the table is undone, and tables of others stay.
func TestPacketsOnTheKernel(t *testing.T) {
	a, reports, c := packetsOnHost(t)
	want := SortPackets([]PacketRule{
		markWeb, markTLS, masq,
		Marking{To: netip.MustParseAddr("192.0.2.1"), Protocol: 17, Mark: 1},
		Marking{To: netip.MustParseAddr("192.0.2.2"), Protocol: 132, First: 1000, Last: 65535, Mark: 0xffffffff},
		Marking{To: netip.MustParseAddr("2001:db8::1"), Protocol: 6, First: 80, Last: 90, Mark: 8},
		Refusal{To: netip.MustParseAddr("192.0.2.1")},
		Refusal{To: netip.MustParseAddr("2001:db8::1")},
		Masquerade{From: netip.MustParsePrefix("192.0.2.7/32")},
		Masquerade{From: netip.MustParsePrefix("2001:db8::/61"), Out: "an-interface-15"},
		Masquerade{From: netip.MustParsePrefix("2001:db8::5/128"), Out: "eth0"},
		Masquerade{From: netip.MustParsePrefix("10.128.0.0/9")},
	})
	a.Want(1, want)
	if r := nextPackets(t, reports); r.Generation != 1 || len(r.Done) != len(want) || r.Healed {
		t.Errorf("first: %+v", r)
	}
	check := func(when string, want []PacketRule) PacketTable {
		t.Helper()
		have, err := hostPackets{}.Dump()
		if err != nil || !holds(have, want) {
			t.Fatalf("%s: %v, %+v", when, err, have)
		}
		return have
	}
	have := check("at first", want)
	if c := PlanPackets(want, have); !c.Empty() {
		t.Errorf("an unchanged table is to be changed by %+v", c)
	}
	table := tableOfOurs()
	chains := packetChains(table)
	for _, disturb := range []struct {
		name string
		do   func()
	}{
		{"a rule deleted", func() {
			if err := c.DelRule(&nftables.Rule{Table: table, Chain: chains[0], Handle: have.Rules[0].Handle}); err != nil {
				t.Fatal(err)
			}
		}},
		{"a rule added", func() {
			c.AddRule(&nftables.Rule{Table: table, Chain: chains[0], Exprs: []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}})
		}},
		{"a rule twice", func() {
			c.AddRule(&nftables.Rule{Table: table, Chain: chains[0], Exprs: expressions(markWeb)})
		}},
		{"a chain added", func() { c.AddChain(&nftables.Chain{Table: table, Name: "theirs"}) }},
		{"the policy changed", func() {
			drop := nftables.ChainPolicyDrop
			chains[0].Policy = &drop
			c.AddChain(chains[0])
		}},
		{"the table deleted", func() { c.DelTable(table) }},
		{"everything deleted", func() {
			c.FlushRuleset()
			c.AddTable(&nftables.Table{Name: "others", Family: nftables.TableFamilyINet})
		}},
	} {
		disturb.do()
		if err := c.Flush(); err != nil {
			t.Fatalf("%s: %v", disturb.name, err)
		}
		if r := nextPackets(t, reports); !r.Healed || len(r.Done) == 0 {
			t.Errorf("%s: %+v", disturb.name, r)
		}
		have = check(disturb.name, want)
	}
	a.Want(2, []PacketRule{markTLS})
	nextPackets(t, reports)
	check("fewer", []PacketRule{markTLS})
	a.Want(3, nil)
	nextPackets(t, reports)
	check("none", nil)
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil || !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == "others" }) {
		t.Errorf("the table of others: %v, %v", tables, err)
	}
	if len(reports) > 0 {
		t.Errorf("%d reports more, the first %+v", len(reports), <-reports)
	}
}
