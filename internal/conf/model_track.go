package conf

import (
	"net/netip"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// TrackKind says what an instance depends on, by the keyword of the block that lists it.
type TrackKind string

// The kinds of what is tracked: network interfaces, and what is defined by a block of its own.
const (
	TrackInterface TrackKind = "track_interface"
	TrackScript    TrackKind = "track_script"
	TrackFile      TrackKind = "track_file"
	TrackProcess   TrackKind = "track_process"
	TrackPing      TrackKind = "track_ping"    // lvsd's own
	TrackService   TrackKind = "track_service" // lvsd's own
)

// Tracked is one line of track_interface, or of a block like it: what an instance depends on.
type Tracked struct {
	Kind TrackKind
	Name string
	// Weight is added to the priority while what is tracked is up where it is positive, and while it
	// is down where it is negative, -253 to 253. That of a file is multiplied with the file's value; it
	// and that of a process are -254 to 254. With 0 the instance takes no part in the election while
	// it is down, or the file's value is not 0.
	Weight int
	// Reverse turns the weight's sign; with a weight of 0, it takes up for down.
	Reverse bool
	Range   hcl.Range
}

// Program is a program that lvsd runs.
type Program struct {
	Words []string // the program and its arguments; none is no program
	// User and Group are names or numbers. An empty user is keepalived_script where the host has it,
	// else lvsd's own; an empty group is that of the user.
	User, Group string
}

// Script is one vrrp_script: a program that is run again and again, and is up while it exits with
// status 0.
type Script struct {
	Name    string
	Command Program
	// Interval is the time from the start of a run to the start of the next, 1 ms to 24 h.
	Interval time.Duration
	// Timeout is how long a run may take before it has failed and is ended, 1 ms to 24 h.
	Timeout time.Duration
	// Rise and Fall are how many runs in a row bring the script up and down, 1 to 65535; the first run
	// decides alone.
	Rise, Fall int
	// InitFail lets it begin as down.
	InitFail bool
	Range    hcl.Range
}

// File is one track_file: a file with a number in it, 0 where it is not there.
type File struct {
	Name string
	Path string // absolute
	// Init has lvsd write InitValue to the file when it begins to watch it, if it is not there, and
	// with Overwrite in any case (init_file).
	Init, Overwrite bool
	InitValue       int
	Range           hcl.Range
}

// ParamMatch says how the parameters of a process are compared (param_match).
type ParamMatch string

// The ways to compare parameters: the last one may go on, more may follow, or neither. Empty is that
// they do not count.
const (
	InitialParameters ParamMatch = "initial"
	PartialParameters ParamMatch = "partial"
	ExactParameters   ParamMatch = "exact"
)

// Process is one vrrp_track_process: running processes of one name. It is up while there are Quorum
// to QuorumMax of them.
type Process struct {
	Name  string
	Words []string // the name of the process, and its parameters
	// FullCommand compares Words with the command line of the process, else the name with the
	// kernel's name of it, which is cut to 15 bytes.
	FullCommand       bool
	ParamMatch        ParamMatch
	Quorum, QuorumMax int // 0-65535; a QuorumMax of 2147483647 bounds nothing
	// ForkDelay is how long there are enough before it is up, TerminateDelay how long there are not
	// before it is down, 0-24 h.
	ForkDelay, TerminateDelay time.Duration
	Range                     hcl.Range
}

// Ping is one vrrp_track_ping: an address that is up while it answers an ICMP echo request. This is
// lvsd's own, keepalived has none.
type Ping struct {
	Name    string
	Address netip.Addr
	// Interval is the time from one request to the next, Timeout how long an answer may take, 1 ms to
	// 24 h each.
	Interval, Timeout time.Duration
	// Rise and Fall are how many requests in a row bring it up and down, 1-65535; the first one decides
	// alone.
	Rise, Fall int
	Range      hcl.Range
}

// ServiceTracker is one vrrp_track_service: a virtual server that is up while it has its quorum. This
// is lvsd's own, keepalived has none.
type ServiceTracker struct {
	Name string
	// Address, FWMark, Group and Protocol name the virtual server, as VirtualServer does.
	Address  netip.AddrPort
	FWMark   uint32
	Group    string
	Protocol Protocol
	Range    hcl.Range // of virtual_server
}
