//go:build netns

package director

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tracking is config with a script that succeeds while the file "ok" is beside the node's
// configuration.
func (p *process) tracking(line string) string {
	return fmt.Sprintf(`vrrp_script "web" {
  script   = ["/usr/bin/test", "-e", %q]
  interval = "50ms"
  timeout  = "10s"
  fall     = 2
}
`, p.flag()) + strings.Replace(config(vip), "  virtual_router_id", "  "+line+"\n  virtual_router_id", 1)
}

func (p *process) flag() string { return filepath.Join(filepath.Dir(p.file), "ok") }

// TestScriptFailsOver: while a script fails on the master, the other node has the addresses; with a
// weight, as long as its priority is the higher one.
func TestScriptFailsOver(t *testing.T) {
	lb1, lb2 := pair(t)
	for name, line := range map[string]string{
		"fault":  `track_script "web" {}`,
		"weight": `track_script "web" { weight = -60 }`,
	} {
		t.Run(name, func(t *testing.T) {
			must(t, os.WriteFile(lb1.flag(), nil, 0o600))
			lb1.write(t, lb1.tracking(line))
			lb1.signal(t, unix.SIGHUP)
			lb1.wait(t, Reloaded)
			lb1.holds(t, vip, vgate) // the reload disturbs nothing
			must(t, os.Remove(lb1.flag()))
			failed := lb1.wait(t, TrackerFailed)
			if failed.fields["tracker"] != "script web" || failed.fields["reason"] != "exited with status 1" {
				t.Errorf("%v", failed)
			}
			within(t, "takeover after a script failed", failed, lb2.becomes(t, "MASTER"))
			lb2.holds(t, vip, vgate)
			lb1.holds(t)
			must(t, os.WriteFile(lb1.flag(), nil, 0o600))
			restored := lb1.wait(t, TrackerRestored)
			within(t, "return after a script was restored", restored, lb1.becomes(t, "MASTER"))
			lb1.holds(t, vip, vgate)
			lb2.becomes(t, "BACKUP")
			lb2.holds(t)
		})
	}
}

// TestStartWaitsForTheScript: a node whose script has not run yet is no master, however alone it is.
func TestStartWaitsForTheScript(t *testing.T) {
	s := newSegment(t)
	dir := filepath.Join(t.TempDir(), "lb1")
	must(t, os.Mkdir(dir, 0o700))
	lb1 := &process{segment: s, name: "lb1", file: filepath.Join(dir, "lvsd.hcl")}
	text := strings.Replace(lb1.tracking(`track_script "web" {}`), `["/usr/bin/test", "-e", `,
		`["/bin/sh", "-c", "while ! [ -e $0 ]; do sleep 0.02; done", `, 1)
	lb1.write(t, strings.Replace(text, `timeout  = "10s"`, `timeout  = "60s"`, 1))
	lb1.start(t)
	lb1.wait(t, Started)
	lb1.wait(t, SysctlSet)
	if n := lb1.count(RoleChanged); n != 0 {
		t.Errorf("%d changes of its role before the script had run", n)
	}
	must(t, os.WriteFile(lb1.flag(), nil, 0o600))
	if e := lb1.wait(t, RoleChanged); e.fields["from"] != "INIT" || e.fields["to"] != "BACKUP" {
		t.Errorf("%v", e)
	}
	lb1.becomes(t, "MASTER")
}
