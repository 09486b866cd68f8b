// Package conf turns configuration files into a validated Config.
//
// Two front ends fill one model: keepalived.conf (package conf/keepalived parses it) and HCL.
// Both report problems as hcl.Diagnostics, so that one printer serves both. Nothing here looks
// at the host: the same file gives the same answer on any machine.
package conf

import (
	"net/netip"
	"time"
)

// Config is everything a configuration says, with every default filled in by its front end.
type Config struct {
	// RouterID names this node in logs and in status; the hostname where the file does not say.
	RouterID   string
	Instances  []Instance
	SyncGroups []SyncGroup
	LVS        LVS
	// ServerGroups are the virtual_server_group that virtual servers may name.
	ServerGroups []ServerGroup
	// UplinkGuard tells an uplink of this node that fails from servers that do.
	UplinkGuard UplinkGuard
	SSL         *SSL // nil where the file has none
	Services    []VirtualServer
	Scripts     []Script
	// Files, Processes, Pings and ServiceTrackers are what else instances may track, by their names.
	Files           []File
	Processes       []Process
	Pings           []Ping
	ServiceTrackers []ServiceTracker
	Lifetime        Lifetime
	// Masquerade are the networks of real servers that reach others through this node.
	Masquerade []Masquerade
	// ScriptSecurity keeps lvsd from running as root what others than root can write
	// (enable_script_security).
	ScriptSecurity bool
	// StartupDelay and DelayAfterBoot are how long after the start of lvsd, and of the machine, no
	// instance takes part yet.
	StartupDelay, DelayAfterBoot time.Duration
	LinkDelays                   []LinkDelay // each interface once
	// Spacing is that of an interface which no group has.
	Spacing    Spacing
	GARPGroups []GARPGroup
	// StaticAddresses, StaticRoutes and StaticRules are there whoever is master.
	StaticAddresses []VirtualAddress
	StaticRoutes    []Route
	StaticRules     []Rule
}

// UplinkGuard is an address that always answers a ping, where the uplink to the servers works; its
// zero value is none.
type UplinkGuard struct {
	Address   netip.Addr
	Interface string // that leads to it, "" for what the routes say
}
