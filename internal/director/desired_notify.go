package director

import (
	"time"

	"lvsd/internal/conf"
	"lvsd/internal/script"
)

// call names a program that is run when something happens: whom it is about, and keepalived's word
// for it.
type call struct{ subject, word string }

// program is what is run. One without a command is a word that stands alone, and says how others are
// used.
type program struct {
	script.Command
	Timeout time.Duration // 0 is none
}

// Subjects of calls, beside instanceTitle.
func groupTitle(name string) string { return "vrrp_sync_group " + name }

const lifetimeTitle = "global_defs"

// programs are all that is run when something happens.
func programs(cfg *conf.Config) map[call]program {
	all := map[call]program{}
	put := func(subject, word string, p conf.Program) {
		if len(p.Words) > 0 {
			all[call{subject, word}] = program{Command: command(cfg, p)}
		}
	}
	says := func(subject, word string, said bool) {
		if said {
			all[call{subject, word}] = program{}
		}
	}
	notify := func(subject string, n *conf.Notify) {
		says(subject, "notify_deleted", n.TellDeleted)
		put(subject, "notify_master", n.Master)
		put(subject, "notify_backup", n.Backup)
		put(subject, "notify_fault", n.Fault)
		put(subject, "notify_stop", n.Stop)
		put(subject, "notify_deleted", n.Deleted)
		put(subject, "notify", n.Any)
		put(subject, "notify_master_rx_lower_pri", n.MasterRxLowerPri)
	}
	for i := range cfg.Instances {
		notify(instanceTitle(cfg.Instances[i].Name), &cfg.Instances[i].Notify)
	}
	for i := range cfg.SyncGroups {
		notify(groupTitle(cfg.SyncGroups[i].Name), &cfg.SyncGroups[i].Notify)
	}
	for word, l := range map[string]struct {
		program conf.Program
		timeout time.Duration
	}{
		"startup_script":  {cfg.Lifetime.Startup, cfg.Lifetime.StartupTimeout},
		"shutdown_script": {cfg.Lifetime.Shutdown, cfg.Lifetime.ShutdownTimeout},
	} {
		if len(l.program.Words) > 0 {
			all[call{lifetimeTitle, word}] = program{command(cfg, l.program), l.timeout}
		}
	}
	return all
}
