package conf

import (
	"time"

	"lvsd/internal/conf/keepalived"
)

// lifetimeTimeout is what startup_script and shutdown_script may take where the file does not say.
const lifetimeTimeout = 10 * time.Second

// notify reads a word about what is run when a state changes. It is false for other words.
func (d *decoder) notify(c *keepalived.Node, to *Notify) bool {
	switch c.Name {
	case "notify_master":
		d.notification(c, &to.Master)
	case "notify_backup":
		d.notification(c, &to.Backup)
	case "notify_fault":
		d.notification(c, &to.Fault)
	case "notify_stop":
		d.notification(c, &to.Stop)
	case "notify_deleted":
		to.TellDeleted = true
		if len(bare(c)) > 0 {
			d.notification(c, &to.Deleted)
		}
	case "notify":
		d.notification(c, &to.Any)
	case "notify_master_rx_lower_pri":
		d.notification(c, &to.MasterRxLowerPri)
	default:
		return false
	}
	return true
}

// lifetime reads a word of global_defs about what is run before everything else, and after it.
func (d *decoder) lifetime(c *keepalived.Node, to *Lifetime) bool {
	switch c.Name {
	case "startup_script":
		d.notification(c, &to.Startup)
	case "shutdown_script":
		d.notification(c, &to.Shutdown)
	case "startup_script_timeout":
		d.duration(c, time.Second, 1000*time.Second, &to.StartupTimeout)
	case "shutdown_script_timeout":
		d.duration(c, time.Second, 1000*time.Second, &to.ShutdownTimeout)
	default:
		return false
	}
	return true
}
