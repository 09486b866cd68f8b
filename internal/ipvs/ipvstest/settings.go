package ipvstest

import (
	"golang.org/x/sys/unix"

	"lvsd/internal/ipvs"
)

// writeSettings makes one change of the settings.
func (k *Kernel) writeSettings(op ipvs.Op) error {
	if op.Kind == ipvs.SetTimeouts {
		set := func(to *uint32, n uint32) {
			if n != 0 {
				*to = n
			}
		}
		set(&k.settings.Timeouts.TCP, op.Timeouts.TCP)
		set(&k.settings.Timeouts.TCPFin, op.Timeouts.TCPFin)
		set(&k.settings.Timeouts.UDP, op.Timeouts.UDP)
		return nil
	}
	if op.Kind == ipvs.SetSysctl {
		k.settings.Sysctls[op.Sysctl.Sysctl] = op.Sysctl.Want
		return nil
	}
	if op.Kind == ipvs.LoadFTP {
		k.settings.FTP = true
		return nil
	}
	daemon := &k.settings.Sender
	if op.State == ipvs.Receiving {
		daemon = &k.settings.Receiver
	}
	runs := daemon.Interface != ""
	switch {
	case op.Kind == ipvs.StopDaemon && !runs:
		return unix.ESRCH
	case op.Kind == ipvs.StopDaemon:
		*daemon = ipvs.Daemon{}
		return nil
	case runs:
		return unix.EEXIST
	}
	*daemon = op.Daemon
	switch {
	case daemon.MaxLen == 0:
		daemon.MaxLen = 1472 // of an MTU of 1500
	case op.State == ipvs.Receiving:
		daemon.MaxLen = max(daemon.MaxLen, 1024)
	}
	return nil
}

// Settings implements ipvs.Kernel.
func (c *connection) Settings() (ipvs.Settings, error) {
	k := c.kernel
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := c.ready(); err != nil {
		return ipvs.Settings{}, err
	}
	return k.settings, nil
}
