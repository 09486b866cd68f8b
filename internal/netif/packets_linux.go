package netif

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// packetTable is the name of lvsd's table, of the family inet. Whatever is in it is lvsd's to change.
const packetTable = "lvsd"

// PacketKernel is nftables as a PacketApplier sees it. Dump and Apply are called by Run's goroutine only.
type PacketKernel interface {
	// Dump reads lvsd's table.
	Dump() (PacketTable, error)
	// Apply makes a change, whole or not at all.
	Apply(PacketChange) error
	// Watch calls changed when it begins to look, and whenever any table may have changed, until ctx ends.
	// The error says that nothing is told any more.
	Watch(ctx context.Context, changed func()) error
}

// HostPackets is nftables of the network namespace that the process is in.
func HostPackets() PacketKernel { return hostPackets{} }

// hostPackets is nftables of the network namespace that the process is in.
type hostPackets struct{}

func tableOfOurs() *nftables.Table {
	return &nftables.Table{Name: packetTable, Family: nftables.TableFamilyINet}
}

// behindIPVS is a priority at which IPVS has had its turn on the way in: it has NF_IP_PRI_NAT_SRC-2 and -1 there
// (net/netfilter/ipvs/ip_vs_core.c), and lets on what is for none of its services, or for one whose server is this node.
const behindIPVS = 110

// packetChains are the chains of the table: packets are marked before they are routed, by the priority
// of mangle, get another source after all else, and are refused when IPVS did not want them.
func packetChains(t *nftables.Table) []*nftables.Chain {
	accept := nftables.ChainPolicyAccept
	return []*nftables.Chain{
		{Name: "prerouting", Table: t, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookPrerouting,
			Priority: nftables.ChainPriorityMangle, Policy: &accept},
		{Name: "postrouting", Table: t, Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPostrouting,
			Priority: nftables.ChainPriorityNATSource, Policy: &accept},
		{Name: "input", Table: t, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookInput,
			Priority: nftables.ChainPriorityRef(behindIPVS), Policy: &accept},
	}
}

// chainFor is the place of the rule's chain among packetChains.
func chainFor(r PacketRule) int {
	switch r.(type) {
	case Marking:
		return 0
	case Refusal:
		return 2
	}
	return 1
}

func (hostPackets) Dump() (PacketTable, error) {
	c, err := openNftables()
	if err != nil {
		return PacketTable{}, err
	}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return PacketTable{}, missing(fmt.Errorf("list tables of nftables: %w", err))
	}
	at := slices.IndexFunc(tables, func(t *nftables.Table) bool { return t.Name == packetTable })
	if at < 0 {
		return PacketTable{}, nil
	}
	table := PacketTable{Present: true, Whole: tables[at].Flags == 0}
	all, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return PacketTable{}, fmt.Errorf("list chains of nftables: %w", err)
	}
	wanted := packetChains(tableOfOurs())
	for _, chain := range all {
		if chain.Table.Name != packetTable {
			continue
		}
		i := slices.IndexFunc(wanted, func(w *nftables.Chain) bool { return equalChain(w, chain) })
		if i < 0 {
			table.Whole = false
			continue
		}
		wanted = slices.Delete(wanted, i, i+1)
		rules, err := c.GetRules(tableOfOurs(), chain)
		if err != nil {
			return PacketTable{}, fmt.Errorf("list rules of nftables: %w", err)
		}
		for _, r := range rules {
			table.Rules = append(table.Rules, KernelRule{ruleOf(r.Exprs), chain.Name, r.Handle})
		}
	}
	table.Whole = table.Whole && len(wanted) == 0
	return table, nil
}

// equalChain tells whether a chain of the kernel's is as it should be.
func equalChain(a, b *nftables.Chain) bool {
	return a.Name == b.Name && a.Type == b.Type && b.Hooknum != nil && *a.Hooknum == *b.Hooknum &&
		b.Priority != nil && *a.Priority == *b.Priority && b.Policy != nil && *a.Policy == *b.Policy
}

func (hostPackets) Apply(change PacketChange) error {
	c, err := openNftables()
	if err != nil {
		return err
	}
	table := tableOfOurs()
	chains := packetChains(table)
	if change.Anew {
		// Adding what is there is no error, deleting what is not is one.
		c.AddTable(table)
		c.DelTable(table)
		if len(change.Add) > 0 {
			c.AddTable(table)
			for _, chain := range chains {
				c.AddChain(chain)
			}
		}
	}
	for _, r := range change.Delete {
		err := c.DelRule(&nftables.Rule{Table: table, Chain: &nftables.Chain{Name: r.Chain, Table: table}, Handle: r.Handle})
		if err != nil {
			return fmt.Errorf("delete a rule of nftables: %w", err)
		}
	}
	for _, r := range change.Add {
		c.AddRule(&nftables.Rule{Table: table, Chain: chains[chainFor(r)], Exprs: expressions(r)})
	}
	if err := c.Flush(); err != nil {
		return missing(fmt.Errorf("write the table %s of nftables: %w", packetTable, err))
	}
	return nil
}

// packetsTimeout bounds an exchange. The kernel answers when it has loaded the modules that a rule needs,
// which may take seconds; addresses wait for it at the start of lvsd.
const packetsTimeout = 5 * time.Second

func openNftables() (*nftables.Conn, error) {
	c, err := nftables.New(nftables.WithSockOptions(func(conn *netlink.Conn) error {
		return conn.SetDeadline(time.Now().Add(packetsTimeout))
	}))
	if err != nil {
		return nil, missing(fmt.Errorf("open nftables: %w", err))
	}
	return c, nil
}

// missing says what to do where the kernel has no nftables, or a part of it is not loaded.
func missing(err error) error {
	for _, e := range []error{unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT, unix.EOPNOTSUPP, unix.ENOENT, unix.EINVAL} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w; the kernel needs the modules nf_tables, nft_chain_nat and nft_masq: modprobe -a nf_tables nft_chain_nat nft_masq", err)
		}
	}
	return err
}

// groupNftables is NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h: changes of all tables.
const groupNftables = 7

func (hostPackets) Watch(ctx context.Context, changed func()) error {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{Groups: 1 << (groupNftables - 1)})
	if err != nil {
		return missing(fmt.Errorf("watch nftables: %w", err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends Receive
	defer func() {
		if stop() {
			_ = conn.Close()
		}
	}()
	changed()
	for {
		_, err := conn.Receive()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, unix.ENOBUFS): // then some were lost
			return fmt.Errorf("watch nftables: %w", err)
		}
		changed()
	}
}
