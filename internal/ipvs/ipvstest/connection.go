package ipvstest

import (
	"errors"
	"net"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
)

// connection is one open connection; like the real one it belongs to one goroutine.
type connection struct {
	kernel *Kernel
	family int
	closed bool
}

// ready says why the connection cannot be used: after a reload of the module the family it
// speaks to is gone.
func (c *connection) ready() error {
	if c.closed {
		return net.ErrClosed
	}
	if !c.kernel.loaded || c.family != c.kernel.family {
		return unix.ENOENT
	}
	return nil
}

// Apply implements ipvs.Kernel.
func (c *connection) Apply(ops []ipvs.Op) []error {
	c.kernel.mu.Lock()
	defer c.kernel.mu.Unlock()
	errs := make([]error, len(ops))
	for i, op := range ops {
		errs[i] = c.apply(op)
	}
	return errs
}

func (c *connection) apply(op ipvs.Op) error {
	k := c.kernel
	if err := c.ready(); err != nil {
		return err
	}
	k.writes = append(k.writes, op)
	if fail, n := k.fail, len(k.writes); fail != nil {
		k.mu.Unlock()
		err := fail(n, op)
		k.mu.Lock()
		if err == nil {
			err = c.ready()
		}
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.close()
			}
			return err
		}
	}
	if err := k.write(op); err != nil {
		return err
	}
	if k.watch != nil {
		k.watch(op, clone(k.table))
	}
	return nil
}

// Dump implements ipvs.Kernel.
func (c *connection) Dump() (ipvs.Table, error) {
	k := c.kernel
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := c.ready(); err != nil {
		return nil, err
	}
	k.dumps++
	if dumping, n := k.dumping, k.dumps; dumping != nil {
		k.mu.Unlock()
		took, err := dumping(n)
		time.Sleep(took)
		k.mu.Lock()
		if err == nil {
			err = c.ready()
		}
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.close()
			}
			return nil, err
		}
	}
	t := clone(k.table)
	if k.torn == 0 {
		return t, nil
	}
	k.torn--
	if keys := sorted(t); len(keys) > 0 {
		delete(t, keys[len(keys)-1])
	}
	return t, ipvs.ErrInconsistent
}

// Stats implements ipvs.Kernel. All counters are 0, but for those of connections where Count says so.
func (c *connection) Stats() ([]ipvs.ServiceStats, error) {
	t, err := c.Dump()
	c.kernel.mu.Lock()
	count := c.kernel.count
	c.kernel.mu.Unlock()
	var out []ipvs.ServiceStats
	for _, key := range sorted(t) {
		s := ipvs.ServiceStats{Key: key, Service: t[key].Service}
		for addr, d := range t[key].Destinations {
			one := ipvs.DestinationStats{Address: addr, Destination: d}
			if count != nil {
				n := count(key, addr)
				one.Active, one.Inactive, one.Persistent = n.Active, n.Inactive, n.Persistent
			}
			s.Destinations = append(s.Destinations, one)
		}
		slices.SortFunc(s.Destinations, func(a, b ipvs.DestinationStats) int { return a.Address.Compare(b.Address) })
		out = append(out, s)
	}
	return out, err
}

// Close implements ipvs.Kernel.
func (c *connection) Close() {
	c.kernel.mu.Lock()
	defer c.kernel.mu.Unlock()
	c.close()
}

func (c *connection) close() {
	if !c.closed {
		c.closed = true
		c.kernel.open--
	}
}

func sorted(t ipvs.Table) []ipvs.ServiceKey {
	keys := make([]ipvs.ServiceKey, 0, len(t))
	for key := range t {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, ipvs.ServiceKey.Compare)
	return keys
}
