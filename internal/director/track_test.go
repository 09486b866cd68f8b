package director

import (
	"strings"
	"testing"
)

// A weight changes the effective priority, which is told and shown; a reload changes it again.
func TestEffectivePriority(t *testing.T) {
	tracking := func(line string) string {
		return strings.Replace(instance("192.0.2.1/24"), "  virtual_router_id", line+"\n  virtual_router_id", 1)
	}
	n := startNode(t, tracking(`  track_interface "gone0" { weight = -40 }`))
	e := n.wait(t, PriorityChanged)
	if e.fields["from"] != uint8(100) || e.fields["to"] != uint8(60) || e.fields["weights"] != "interface gone0 -40" {
		t.Errorf("%v", e)
	}
	if i := n.status(t).Instances[0]; i.Priority != 100 || i.EffectivePriority != 60 || i.State != "FAULT" {
		t.Errorf("%+v", i)
	}
	n.write(t, instance("192.0.2.1/24"))
	n.Reload()
	if e := n.wait(t, PriorityChanged); e.fields["to"] != uint8(100) || e.fields["weights"] != "" {
		t.Errorf("%v", e)
	}
	if i := n.status(t).Instances[0]; i.EffectivePriority != 100 {
		t.Errorf("%+v", i)
	}
}
