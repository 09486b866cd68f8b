package conf

import (
	"fmt"

	"pgregory.net/rapid"
)

// writeCall spells out a program that is run when something happens; none is not written.
func writeCall(s syntax, put func(...string), name string, p Program) {
	if len(p.Words) > 0 {
		put(s.notification(name, p))
	}
}

func writeNotify(s syntax, put func(...string), n *Notify) {
	if n.TellDeleted && len(n.Deleted.Words) == 0 {
		put(s.flag("notify_deleted", true))
	}
	for name, p := range map[string]Program{"notify_master": n.Master, "notify_backup": n.Backup, "notify_fault": n.Fault, "notify_stop": n.Stop,
		"notify_deleted": n.Deleted, "notify": n.Any, "notify_master_rx_lower_pri": n.MasterRxLowerPri} {
		writeCall(s, put, name, p)
	}
}

// drawCall draws a program, or none.
func drawCall(t *rapid.T) Program {
	if rapid.IntRange(0, 2).Draw(t, "program") > 0 {
		return Program{}
	}
	word := rapid.StringMatching(`[ a-zä'"#!{}$%\\;&*~-]{0,8}`)
	p := Program{Words: append([]string{"/bin/x" + word.Draw(t, "program")}, rapid.SliceOfN(word, 0, 2).Draw(t, "arguments")...)}
	if p.User = rapid.SampledFrom([]string{"", "nobody", "65534"}).Draw(t, "user"); p.User != "" {
		p.Group = rapid.SampledFrom([]string{"", "daemon"}).Draw(t, "group")
	}
	return p
}

func drawNotify(t *rapid.T, instance bool) Notify {
	n := Notify{Master: drawCall(t), Backup: drawCall(t), Fault: drawCall(t), Stop: drawCall(t), Deleted: drawCall(t), Any: drawCall(t)}
	n.TellDeleted = len(n.Deleted.Words) > 0 || rapid.Bool().Draw(t, "notify_deleted")
	if instance {
		n.MasterRxLowerPri = drawCall(t)
	}
	return n
}

func writeLifetime(s syntax, put func(...string), c *Config) {
	writeCall(s, put, "startup_script", c.Lifetime.Startup)
	writeCall(s, put, "shutdown_script", c.Lifetime.Shutdown)
	put(s.word("startup_script_timeout", seconds(c.Lifetime.StartupTimeout)), s.word("shutdown_script_timeout", fmt.Sprint(seconds(c.Lifetime.ShutdownTimeout))))
}

// noLifetime is what a file has that says nothing of startup_script and shutdown_script.
func noLifetime() Lifetime {
	return Lifetime{StartupTimeout: lifetimeTimeout, ShutdownTimeout: lifetimeTimeout}
}
