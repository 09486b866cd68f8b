// Package realserver sets up the host that it runs on as a real server of a director's configuration: the
// virtual addresses that DR and TUN servers take packets for, without answering ARP for them, the
// tunnels that TUN packets leave, and the default route by which the answers of NAT servers go back
// through the director.
//
// [Find] is pure: from the configuration and the addresses of a host it tells which of the servers the
// host is, and which [Item]s that takes. [Plan] is pure: it compares items with what the [Host] has,
// and with what was set up before, the [Memory]; its steps are carried out by a [Kernel]. What is taken
// down is as it was before: what the host had by itself is no step and is not remembered.
package realserver
