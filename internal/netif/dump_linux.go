package netif

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
)

// dumpAttempts is how often an inconsistent dump is read again before it is taken as it is.
const dumpAttempts = 5

// dumpTables reads links and addresses. The kernel marks a dump during which a table changed;
// one that stays marked is used: the notification of the change leads to another.
func dumpTables(h *netlink.Handle, family int) (links []netlink.Link, addresses []netlink.Addr, err error) {
	for range dumpAttempts {
		links, err = h.LinkList()
		if err == nil {
			addresses, err = h.AddrList(nil, family)
		}
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		addresses, err = h.AddrList(nil, family)
	}
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, nil, fmt.Errorf("dump links and addresses: %w", err)
	}
	return links, addresses, nil
}
