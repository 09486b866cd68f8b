package netif

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/nftables/expr"
	"pgregory.net/rapid"
)

// drawPacketRule draws any rule.
func drawPacketRule(t *rapid.T) PacketRule {
	addr := netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, "number")})
	if rapid.Bool().Draw(t, "IPv6") {
		addr = netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 15: rapid.Byte().Draw(t, "number")})
	}
	if rapid.Bool().Draw(t, "refusal") {
		return Refusal{To: addr}
	}
	if rapid.Bool().Draw(t, "masquerade") {
		bits := rapid.IntRange(1, addr.BitLen()).Draw(t, "bits")
		return Masquerade{From: netip.PrefixFrom(addr, bits).Masked(), Out: rapid.SampledFrom([]string{"", "eth0", "an-interface-15"}).Draw(t, "out")}
	}
	m := Marking{To: addr, Protocol: rapid.SampledFrom([]uint8{6, 17, 132}).Draw(t, "protocol"), Mark: rapid.Uint32Min(1).Draw(t, "mark")}
	if rapid.Bool().Draw(t, "ports") {
		m.First = rapid.Uint16Min(1).Draw(t, "first")
		m.Last = max(m.First, rapid.Uint16().Draw(t, "last"))
	}
	return m
}

func drawPacketRules(t *rapid.T) []PacketRule {
	return SortPackets(rapid.SliceOfN(rapid.Custom(drawPacketRule), 0, 5).Draw(t, "rules"))
}

// What is written is what is read; what is nearly so is none of lvsd's.
func TestPacketRulesAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawPacketRule(t)
		list := expressions(r)
		if back := ruleOf(list); back != r {
			t.Fatalf("%s is read as %v", r, back)
		}
		at := rapid.IntRange(0, len(list)-1).Draw(t, "at")
		less := slices.Delete(slices.Clone(list), at, at+1)
		if back := ruleOf(less); back == r {
			t.Fatalf("%s without its expression %d is still read so", r, at)
		}
		if back := ruleOf(slices.Insert(slices.Clone(list), at, expr.Any(&expr.Counter{}))); back != nil {
			t.Fatalf("%s with a counter is read as %v", r, back)
		}
	})
	for _, list := range [][]expr.Any{nil, {&expr.Masq{}}, {&expr.Counter{}}, {&expr.Cmp{}, &expr.Cmp{}, &expr.Cmp{}, &expr.Cmp{}}} {
		if r := ruleOf(list); r != nil {
			t.Errorf("%v is read as %v", list, r)
		}
	}
}

// packetsAfter is a table after a change, with new handles.
func packetsAfter(have PacketTable, c PacketChange) PacketTable {
	if c.Anew {
		have = PacketTable{Present: len(c.Add) > 0, Whole: len(c.Add) > 0}
	}
	have.Rules = slices.Clone(have.Rules)
	var last uint64
	for _, r := range have.Rules {
		last = max(last, r.Handle)
	}
	for _, d := range c.Delete {
		have.Rules = slices.DeleteFunc(have.Rules, func(r KernelRule) bool { return r.Handle == d.Handle })
	}
	for _, r := range c.Add {
		last++
		have.Rules = append(have.Rules, KernelRule{Rule: r, Handle: last})
	}
	return have
}

// Whatever is there: after the plan it is what is wanted, another plan is empty, and what is there already is not
// written.
func TestPlanPackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawPacketRules(t)
		have := PacketTable{Present: rapid.Bool().Draw(t, "present")}
		have.Whole = have.Present && rapid.Bool().Draw(t, "whole")
		if have.Whole {
			var rules []PacketRule
			for _, r := range append(slices.Clone(want), drawPacketRules(t)...) {
				for range rapid.IntRange(0, 2).Draw(t, "times") {
					rules = append(rules, r)
				}
			}
			if rapid.Bool().Draw(t, "foreign") {
				rules = append(rules, nil)
			}
			have = packetsAfter(have, PacketChange{Add: rules})
		}
		c := PlanPackets(want, have)
		for _, r := range c.Add {
			if !c.Anew && slices.ContainsFunc(have.Rules, func(k KernelRule) bool { return k.Rule == r }) {
				t.Fatalf("%s is written and was there", r)
			}
		}
		after := packetsAfter(have, c)
		if !holds(after, want) {
			t.Fatalf("after %+v there is %+v, not %v", c, after, want)
		}
		if again := PlanPackets(want, after); !again.Empty() || len(again.Operations()) > 0 {
			t.Fatalf("another plan: %+v", again)
		}
		if c.Empty() != (len(c.Operations()) == 0) {
			t.Fatalf("%+v says %q", c, c.Operations())
		}
	})
}

// holds tells whether a table has rules, each once, and no others.
func holds(table PacketTable, want []PacketRule) bool {
	if len(want) == 0 {
		return !table.Present
	}
	var have []PacketRule
	for _, r := range table.Rules {
		if r.Rule == nil {
			return false
		}
		have = append(have, r.Rule)
	}
	slices.SortFunc(have, comparePackets)
	return table.Whole && slices.Equal(have, want)
}

// packetMemory is a kernel in memory that behaves, and refuses when it is told to.
type packetMemory struct {
	mu      sync.Mutex
	table   PacketTable
	refuse  map[int]error // by the number of the call, from 1
	calls   int
	writes  int
	changed func()
	deaf    bool // nobody is told of changes
	late    bool // the first change is made, and an error returned all the same
}

var errPackets = errors.New("refused")

func (k *packetMemory) call() error {
	k.calls++
	return k.refuse[k.calls]
}

func (k *packetMemory) Dump() (PacketTable, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.table, k.call()
}

func (k *packetMemory) Apply(c PacketChange) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.call(); err != nil {
		return err
	}
	k.writes++
	k.put(packetsAfter(k.table, c))
	if k.late {
		k.late = false
		return errPackets
	}
	return nil
}

func (k *packetMemory) put(table PacketTable) {
	k.table = table
	if k.changed != nil {
		k.changed()
	}
}

func (k *packetMemory) Watch(ctx context.Context, changed func()) error {
	k.mu.Lock()
	if k.deaf {
		k.mu.Unlock()
		return errPackets
	}
	k.changed = changed
	k.mu.Unlock()
	changed()
	<-ctx.Done()
	return nil
}

// packetRig runs an applier on a kernel in memory.
type packetRig struct {
	*PacketApplier
	kernel  *packetMemory
	mu      sync.Mutex
	reports []PacketReport
}

func startPackets(t *testing.T, k *packetMemory) *packetRig {
	r := &packetRig{kernel: k}
	r.PacketApplier = NewPacketApplier(k, func(report PacketReport) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reports = append(r.reports, report)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return r
}

func (r *packetRig) take() []PacketReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.reports
	r.reports = nil
	return list
}

var (
	markWeb = Marking{To: netip.MustParseAddr("192.0.2.1"), Protocol: 6, First: 80, Last: 80, Mark: 7}
	markTLS = Marking{To: netip.MustParseAddr("192.0.2.1"), Protocol: 6, First: 443, Last: 443, Mark: 7}
	masq    = Masquerade{From: netip.MustParsePrefix("10.0.0.0/8"), Out: "eth0"}
)

// Rules come, stay unwritten while nothing changes, are healed within 2 s, and go.
func TestPacketApplier(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprint("deaf ", deaf), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &packetMemory{deaf: deaf, table: PacketTable{Present: true}} // left over, in part
				r := startPackets(t, k)
				time.Sleep(time.Hour)
				if k.calls > 0 {
					t.Fatal("something was done before anything was wanted")
				}
				want := []PacketRule{markWeb, markTLS, masq}
				r.Want(1, want)
				synctest.Wait()
				if got := r.take(); !holds(k.table, want) || len(got) != 1 || got[0].Generation != 1 || got[0].Healed || len(got[0].Done) != 3 {
					t.Fatalf("table %+v, reports %+v", k.table, got)
				}
				time.Sleep(time.Hour)
				if k.writes != 1 || len(r.take()) > 0 {
					t.Errorf("%d writes", k.writes)
				}
				k.mu.Lock()
				k.put(packetsAfter(k.table, PacketChange{Delete: k.table.Rules[:1], Add: []PacketRule{nil}}))
				k.mu.Unlock()
				within := 2 * time.Second
				if deaf {
					within = packetsReread
				}
				time.Sleep(within)
				synctest.Wait()
				if got := r.take(); !holds(k.table, want) || len(got) != 1 || !got[0].Healed || len(got[0].Done) != 2 {
					t.Errorf("not healed: table %+v, reports %+v", k.table, got)
				}
				r.Want(2, []PacketRule{masq})
				synctest.Wait()
				if got := r.take(); !holds(k.table, []PacketRule{masq}) || len(got) != 1 || got[0].Healed || got[0].Generation != 2 {
					t.Errorf("table %+v, reports %+v", k.table, got)
				}
				r.Want(3, nil)
				synctest.Wait()
				if got := r.take(); k.table.Present || len(got) != 1 || got[0].Generation != 3 {
					t.Errorf("table %+v, reports %+v", k.table, got)
				}
			})
		})
	}
}

// Each call fails, with the one after it: it is told once, the generation is acknowledged, and it converges.
func TestPacketApplierGoesOn(t *testing.T) {
	for n := 1; n <= 4; n++ {
		synctest.Test(t, func(t *testing.T) {
			k := &packetMemory{refuse: map[int]error{n: errPackets, n + 1: errPackets}}
			r := startPackets(t, k)
			r.Want(1, []PacketRule{markWeb})
			synctest.Wait()
			if got := r.take(); len(got) != 1 || got[0].Generation != 1 || (n <= 2) != errors.Is(got[0].Err, errPackets) {
				t.Fatalf("call %d: %+v", n, got)
			}
			time.Sleep(10 * time.Second)
			r.Want(2, []PacketRule{markTLS})
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if !holds(k.table, []PacketRule{markTLS}) {
				t.Errorf("call %d: table %+v", n, k.table)
			}
			errs := 0
			for _, report := range r.take() {
				if report.Err != nil {
					errs++
				}
			}
			if errs > 1 {
				t.Errorf("call %d: told %d times", n, errs)
			}
		})
	}
}

// A change whose answer was lost is told when it is found to be made.
func TestPacketApplierFindsWhatWasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &packetMemory{late: true}
		r := startPackets(t, k)
		r.Want(1, []PacketRule{markWeb})
		time.Sleep(time.Minute)
		got := r.take()
		if len(got) != 1 || got[0].Err != nil || len(got[0].Done) != 1 || got[0].Healed || k.writes != 1 {
			t.Errorf("%+v after %d writes", got, k.writes)
		}
	})
}

// A kernel without nftables is no matter where no rule is wanted.
func TestPacketApplierWithoutNftables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &packetMemory{refuse: map[int]error{}, deaf: true}
		for n := range 1000 {
			k.refuse[n] = errPackets
		}
		r := startPackets(t, k)
		r.Want(1, nil)
		time.Sleep(time.Minute)
		if got := r.take(); len(got) != 1 || got[0].Err != nil || got[0].Generation != 1 {
			t.Errorf("without rules: %+v", got)
		}
		r.Want(2, []PacketRule{markWeb})
		time.Sleep(time.Minute)
		if got := r.take(); len(got) != 1 || !errors.Is(got[0].Err, errPackets) || got[0].Generation != 2 {
			t.Errorf("with a rule: %+v", got)
		}
	})
}
