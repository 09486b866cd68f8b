// Package vrrp elects the master among the directors of a segment: VRRP version 2 (RFC 3768) and
// version 3 (RFC 9568) over IPv4 and, version 3 alone, IPv6, by multicast or unicast, with sync groups
// as keepalived has them.
//
// Election is pure: it takes the time and what happened, and returns what to send and which
// roles changed. Runner drives it from one thread of its own with real sockets and a timerfd.
//
// Named deviations from RFC 9568 and RFC 3768:
//   - There is no virtual MAC address: addresses keep the interface's own MAC, and a takeover is
//     announced by gratuitous ARP, or unsolicited neighbour advertisements, that have it (§7.2, §7.3,
//     §8.1.2 and §8.2.2 do not apply).
//   - Packets to the addresses are accepted whoever owns them unless the configuration says no_accept, in
//     version 2 too: Accept_Mode is true by default (§6.1), for the services of a director are at them. What
//     drops them are rules of nftables (netif.Refusal), as the director has them in every role.
//   - A director sends no router advertisements (§6.4.3, §8.2.3): that is radvd's work.
//   - An owner, priority 255, with state BACKUP starts as backup (§6.4.1). It goes by the adverts that
//     it hears like every other, in version 2 too, where RFC 3768 §7.1 has it drop them, but with
//     owner_ignore_adverts.
//   - Version 3 adverts over IPv4 are sent with the checksum of RFC 5798, which covers a pseudo
//     header, as keepalived and FRR expect, unless the configuration says otherwise; §5.2.8 leaves it
//     out for IPv4. Both are accepted.
//   - Adverts may go to peers by unicast. Their TTL is then not 255 for sure (§5.1.1.3), and is looked
//     at only where the configuration has a range for it.
//   - The first address of an IPv6 advert need not be a link-local one (§5.2.9): one that the hosts do
//     not use is no reason to move.
//   - An advert without addresses counts (§5.2.5): keepalived sends them for instances that have none.
//   - An advert with other addresses than ours counts in version 2 too; RFC 3768 §7.1 has who compares
//     them drop it, and makes two masters of a pair whose files are changed one after the other.
//   - A lesser master is left in place while preempt_delay lasts: its adverts count (§6.4.2).
//   - A master that shuts down sends priority 0 and serves on until a successor is heard, 1 s at
//     most (§6.4.3 removes it at once, and leaves a gap of a skew time).
//   - A lesser master is answered at most once an interval, in version 2 too (RFC 3768 §6.4.3
//     only discards its adverts); the addresses are announced again with the answer.
//   - A master that makes way for a better one says so with one last advert, so that the better
//     one knows that there were two and announces the addresses again (§6.4.3).
//   - In a sync group a better master is obeyed at once on the segment of the group's first member;
//     on another one it is doubted for an advert, because the first member decides for all of them.
//   - A node that was stalled listens before it takes over or speaks as master again; a master
//     that finds another one after a stall makes way with priority 0, whatever its priority.
//   - A master that is started again while its last advert counts goes on as master (§6.4.1).
package vrrp
