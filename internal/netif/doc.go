// Package netif makes the host's network equal to what a director wants of it: the addresses of
// its VRRP instances (VIPs, V-gates), the routes and rules that go with them, what stands whoever is
// master, the sysctls that forwarding needs, and the gratuitous ARP that tells neighbours who holds an
// address. It also watches the links for the election.
//
// Two sources feed an [Applier]. [Applier.Want] says beforehand what every instance should have
// if it were master; [Applier.Role], called by the election, says which of them is. Neither
// carries an operation: both only wake [Applier.Run], which compares what should be with what
// the kernel has and makes the difference. [Plan] is that comparison, and pure. So losing or
// merging a call is harmless, an address somebody deletes comes back, and what a crash left
// behind goes away, all by the same few lines. What lvsd did not put on is not taken off where the
// interface has nothing else: an address that the host was given must not cut it off.
//
// Routes and rules are planned by [PlanRoutes] and [PlanRules], and are otherwise treated alike: they
// carry the kernel's mark of where they come from, [Protocol], and what was put there is remembered
// beside, so that a route of somebody else is never taken for one of lvsd's. They come after the
// addresses, which a takeover does not let wait for them, and go before.
//
// The way from Role to the address on the interface and its first announcement passes through
// no channel and no goroutine but Run's own, which waits in poll(2) itself: on a busy machine a
// goroutine may wait a tenth of a second for the scheduler, a locked real-time thread does not.
//
// A role is a promise with an end: [Role].Until. The election renews it with every advert it
// sends; where it does not, the addresses go, because by then another node may have them. Where this
// process does not run to take them off, the kernel does: they are put on for a time only, their
// [Lease], which is renewed with the role.
//
// IPv4 addresses are announced by gratuitous ARP, IPv6 addresses by unsolicited neighbour
// advertisements; duplicate address detection is left out unless it is asked for.
//
// The kernel removes an interface's secondary addresses together with the primary address of
// their subnet unless net.ipv4.conf.IFACE.promote_secondaries is 1. Those wanted are put back at
// once; to have nothing vanish in between, and for the addresses of others, list it in
// Want.Sysctls or give VIPs the prefix length 32.
package netif
