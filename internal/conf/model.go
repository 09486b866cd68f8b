// Package conf turns configuration files into a validated Config.
//
// Two front ends fill one model: keepalived.conf (package conf/keepalived parses it) and HCL.
// Both report problems as hcl.Diagnostics, so that one printer serves both. Nothing here looks
// at the host: the same file gives the same answer on any machine.
package conf

// Config is everything a configuration says, with every default filled in by its front end.
type Config struct {
	// RouterID names this node in logs and in status; the hostname where the file does not say.
	RouterID   string
	Instances  []Instance
	SyncGroups []SyncGroup
	Services   []VirtualServer
}
