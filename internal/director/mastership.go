package director

import (
	"context"

	"lvsd/internal/elector"
	"lvsd/internal/vrrp"
)

// mastership is an elector, in this process or in one of its own.
type mastership interface {
	Configure(elector.Configuration)
	SetReadings(map[vrrp.Tracker]vrrp.Reading)
	Want(elector.Network)
	Resign()
	Present() elector.Presence
	Run(context.Context)
}

func newMastership(o Options, e elector.Options) (mastership, error) {
	if len(o.Elector) == 0 {
		return elector.New(e)
	}
	return elector.NewProcess(e, o.Elector...), nil
}
