package conf

import "time"

// Notify are the programs that are run when an instance or a sync group changes its state. One
// without words is none.
type Notify struct {
	// Master, Backup and Fault are run when it enters these states, Stop when lvsd stops
	// (notify_master and those beside it).
	Master, Backup, Fault, Stop Program
	// Deleted is run for an instance that a reload removes. With TellDeleted its state is then
	// DELETED, else it is FAULT.
	Deleted     Program
	TellDeleted bool
	// Any is run after the others, with four arguments more: INSTANCE or GROUP, its name, the state
	// and the priority (notify).
	Any Program
	// MasterRxLowerPri is run when an instance that is master has heard a lesser one.
	MasterRxLowerPri Program
}

// Lifetime are the programs that are run once, before everything else and after it.
type Lifetime struct {
	Startup, Shutdown Program
	// StartupTimeout and ShutdownTimeout are how long they may take, 1-1000 s.
	StartupTimeout, ShutdownTimeout time.Duration
}
