package director

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Event is the stable name of something that lvsd logs, the "event" field of its line. Alert
// rules match it; docs/events.md explains each one.
type Event string

// The closed list of events.
const (
	Started              Event = "started"
	Stopping             Event = "stopping"
	Stopped              Event = "stopped"
	ConfigurationWarning Event = "configuration_warning"
	Reloaded             Event = "reloaded"
	ReloadRefused        Event = "reload_refused"

	RoleChanged       Event = "role_changed"
	ProgramRan        Event = "program_ran"
	PriorityChanged   Event = "priority_changed"
	TrackerFailed     Event = "tracker_failed"
	TrackerRestored   Event = "tracker_restored"
	TrackerChanged    Event = "tracker_changed"
	TrackerImpossible Event = "tracker_impossible"
	TrackerPossible   Event = "tracker_possible"
	MasterSeen        Event = "master_seen"
	DuplicateMaster   Event = "duplicate_master"
	AdvertRefused     Event = "advert_refused"
	AddressesDiffer   Event = "addresses_differ"
	IntervalsDiffer   Event = "intervals_differ"
	ElectionHeld      Event = "election_held"
	ElectionStalled   Event = "election_stalled"
	ElectionDeaf      Event = "election_deaf"
	ElectionHears     Event = "election_hears"
	RealtimeRefused   Event = "realtime_refused"
	DirectorSilent    Event = "director_silent"
	DirectorBack      Event = "director_back"
	ElectionSilent    Event = "election_silent"
	AddressAdded      Event = "address_added"
	AddressHealed     Event = "address_healed"
	AddressRemoved    Event = "address_removed"
	AddressFailed     Event = "address_failed"
	AddressAnnounced  Event = "address_announced"
	AnnouncementFails Event = "announcement_failed"
	AddressConflict   Event = "address_conflict"
	RoutesSet         Event = "routes_set"
	RoutesHealed      Event = "routes_healed"
	RoutesFailed      Event = "routes_failed"
	PacketsSet        Event = "nftables_set"
	PacketsHealed     Event = "nftables_healed"
	PacketsFailed     Event = "nftables_failed"
	SysctlSet         Event = "sysctl_set"
	SysctlFailed      Event = "sysctl_failed"
	SysctlDiffers     Event = "sysctl_differs"

	ServerLost      Event = "server_lost"
	ServerRestored  Event = "server_restored"
	ServerKept      Event = "server_kept"
	UplinkSuspected Event = "uplink_suspected"
	UplinkCleared   Event = "uplink_cleared"
	ServerWeight    Event = "server_weight"
	CheckChanged    Event = "check_changed"
	CheckFailed     Event = "check_failed"
	CertificateEnds Event = "certificate_expires"
	CheckImpossible Event = "check_impossible"
	CheckPossible   Event = "check_possible"
	ServiceEmpty    Event = "service_empty"
	ServiceServed   Event = "service_served"
	QuorumLost      Event = "quorum_lost"
	QuorumGained    Event = "quorum_gained"
	ProgramFailed   Event = "program_failed"
	ServerDraining  Event = "server_draining"
	ServerDrained   Event = "server_drained"

	ServerUndrained      Event = "server_undrained"
	ServerWeightSet      Event = "server_weight_set"
	ServerWeightReset    Event = "server_weight_reset"
	ServerOrderForgotten Event = "server_order_forgotten"

	IPVSMissing    Event = "ipvs_missing"
	IPVSPresent    Event = "ipvs_present"
	ServicesSet    Event = "services_set"
	ServicesHealed Event = "services_healed"
	ServicesFailed Event = "services_failed"
	FTPMissing     Event = "ftp_helper_missing"

	HostTrouble Event = "host_trouble"
	LogLost     Event = "log_lost"
)

// line is how an event reads in the log.
type line struct {
	level   zapcore.Level
	message string
}

// lines has a line for every event and for nothing else.
func lines() map[Event]line {
	return map[Event]line{
		Started:              {zap.InfoLevel, "lvsd started"},
		Stopping:             {zap.InfoLevel, "stopping: a master serves until a successor is heard"},
		Stopped:              {zap.InfoLevel, "lvsd stopped"},
		ConfigurationWarning: {zap.WarnLevel, "configuration has a questionable place"},
		Reloaded:             {zap.InfoLevel, "configuration reloaded"},
		ReloadRefused:        {zap.ErrorLevel, "configuration refused, the running one stays"},

		RoleChanged:       {zap.WarnLevel, "instance changed its state"},
		TrackerFailed:     {zap.WarnLevel, "what instances track failed"},
		TrackerRestored:   {zap.InfoLevel, "what instances track is restored"},
		TrackerChanged:    {zap.InfoLevel, "value of a tracked file changed"},
		TrackerImpossible: {zap.ErrorLevel, "what instances track cannot be watched: our own fault, and no verdict"},
		TrackerPossible:   {zap.InfoLevel, "what instances track can be watched again"},
		ProgramRan:        {zap.InfoLevel, "program that is told of states ran"},
		PriorityChanged:   {zap.InfoLevel, "effective priority changed"},
		MasterSeen:        {zap.InfoLevel, "another node is master"},
		DuplicateMaster:   {zap.ErrorLevel, "another node claims to be master too"},
		AdvertRefused:     {zap.WarnLevel, "advert refused"},
		AddressesDiffer:   {zap.WarnLevel, "the master's addresses differ from ours"},
		IntervalsDiffer:   {zap.WarnLevel, "the master's advert interval differs from ours"},
		ElectionHeld:      {zap.InfoLevel, "no instance takes part yet"},
		ElectionStalled:   {zap.ErrorLevel, "election was not scheduled in time"},
		ElectionDeaf:      {zap.ErrorLevel, "adverts cannot be sent or heard"},
		ElectionHears:     {zap.InfoLevel, "adverts can be sent and heard"},
		RealtimeRefused:   {zap.WarnLevel, "no real-time priority: a busy host may delay adverts"},
		DirectorSilent:    {zap.ErrorLevel, "the process of checks and services is silent: the election makes way for another node"},
		DirectorBack:      {zap.WarnLevel, "the process of checks and services is heard again: the election takes part as before"},
		ElectionSilent:    {zap.ErrorLevel, "the process of the election is silent: it is ended, and lvsd with it"},
		AddressAdded:      {zap.InfoLevel, "address added"},
		AddressHealed:     {zap.WarnLevel, "address was removed by somebody, and is back"},
		AddressRemoved:    {zap.InfoLevel, "address removed"},
		AddressFailed:     {zap.ErrorLevel, "address cannot be changed"},
		AddressAnnounced:  {zap.InfoLevel, "addresses announced by gratuitous ARP"},
		AnnouncementFails: {zap.ErrorLevel, "addresses cannot be announced"},
		AddressConflict:   {zap.ErrorLevel, "another host answers for a virtual address"},
		RoutesSet:         {zap.InfoLevel, "routes and rules written to the kernel"},
		RoutesHealed:      {zap.WarnLevel, "routes or rules were removed by somebody, and are back"},
		RoutesFailed:      {zap.ErrorLevel, "a route or rule cannot be changed"},
		PacketsSet:        {zap.InfoLevel, "rules of nftables written to the kernel"},
		PacketsHealed:     {zap.WarnLevel, "rules of nftables were changed by somebody, and are repaired"},
		PacketsFailed:     {zap.ErrorLevel, "rules of nftables are not as wanted: packets are not marked, or not masqueraded"},
		SysctlSet:         {zap.InfoLevel, "kernel parameter set"},
		SysctlFailed:      {zap.ErrorLevel, "kernel parameter cannot be set"},
		SysctlDiffers:     {zap.WarnLevel, "kernel parameter is not as the services need it"},

		ServerLost:           {zap.WarnLevel, "real server lost"},
		ServerRestored:       {zap.InfoLevel, "real server restored"},
		UplinkSuspected:      {zap.ErrorLevel, "our own uplink is suspected: most servers fail at once, and the guard is silent too; they stay"},
		UplinkCleared:        {zap.InfoLevel, "our own uplink is no longer suspected"},
		ServerKept:           {zap.ErrorLevel, "real server fails, and stays: too few are left"},
		ServerWeight:         {zap.InfoLevel, "real server's weight changed, as its checks say"},
		CheckChanged:         {zap.InfoLevel, "check changed, the real server's state did not"},
		CertificateEnds:      {zap.WarnLevel, "a real server's certificate ends soon, or has ended"},
		CheckFailed:          {zap.WarnLevel, "a probe failed, the real server stays for now"},
		CheckImpossible:      {zap.ErrorLevel, "check cannot be made: our own fault, no verdict"},
		CheckPossible:        {zap.InfoLevel, "check can be made again"},
		ServiceEmpty:         {zap.ErrorLevel, "service has no real server that takes connections"},
		ServiceServed:        {zap.InfoLevel, "service has a real server that takes connections again"},
		QuorumLost:           {zap.WarnLevel, "service lost its quorum"},
		QuorumGained:         {zap.InfoLevel, "service gained its quorum"},
		ServerDraining:       {zap.InfoLevel, "real server gets no new connections, and finishes those it has"},
		ServerDrained:        {zap.InfoLevel, "real server has finished its connections, or its time is over, and has left the kernel"},
		ServerUndrained:      {zap.InfoLevel, "real server gets connections again, an operator says"},
		ServerWeightSet:      {zap.InfoLevel, "real server has the weight that an operator says"},
		ServerWeightReset:    {zap.InfoLevel, "real server has its own weight again, an operator says"},
		ServerOrderForgotten: {zap.WarnLevel, "what an operator said of a real server is forgotten: the configuration has it no more"},
		ProgramFailed:        {zap.WarnLevel, "program that is told of changes failed"},

		IPVSMissing:    {zap.ErrorLevel, "the kernel's IPVS cannot be used: no service works until it can"},
		IPVSPresent:    {zap.InfoLevel, "the kernel's IPVS can be used"},
		ServicesSet:    {zap.InfoLevel, "services written to the kernel"},
		ServicesHealed: {zap.WarnLevel, "services were changed by somebody, and are repaired"},
		ServicesFailed: {zap.ErrorLevel, "services cannot be written to the kernel as wanted"},
		FTPMissing:     {zap.ErrorLevel, "the kernel's helper for FTP is missing: transfers of FTP services with NAT fail"},

		HostTrouble: {zap.ErrorLevel, "something of the host does not work"},
		LogLost:     {zap.ErrorLevel, "lines of the log were lost: nobody read them in time"},
	}
}

// journal writes events, and is the only way to the log in this package.
type journal struct {
	log   *zap.Logger
	lines map[Event]line
}

func newJournal(log *zap.Logger) journal { return journal{log, lines()} }

func (j journal) event(e Event, fields ...zap.Field) {
	l := j.lines[e]
	if entry := j.log.Check(l.level, l.message); entry != nil {
		entry.Write(append([]zap.Field{zap.String("event", string(e))}, fields...)...)
	}
}

// TellSilence logs that a director has been silent for so long. Its election does so, for the
// director does not.
func TellSilence(log *zap.Logger, silent time.Duration) {
	newJournal(log).event(DirectorSilent, zap.Duration("silent", silent))
}
