//go:build netns

package check

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The tests under this build tag run in a network namespace each, with lo up and nothing else. Goroutines
// started by a thread that entered a namespace do not follow it there, so the test binary runs itself
// again inside; the variable tells it that it is there.
const insideVar = "LVSD_CHECK_INSIDE"

// inNetns runs body in a network namespace of its own. The command, if any, is put before the test
// binary's.
func inNetns(t *testing.T, body func(t *testing.T), command ...string) {
	if os.Getenv(insideVar) == t.Name() {
		body(t)
		return
	}
	ns := fmt.Sprintf("check-%d-%s", os.Getpid(), strings.ToLower(t.Name()))
	run(t, "ip", "netns", "add", ns)
	t.Cleanup(func() { run(t, "ip", "netns", "delete", ns) })
	run(t, "ip", "-n", ns, "link", "set", "lo", "up")

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"netns", "exec", ns}, command...)
	args = append(args, self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=300s")
	inside := exec.Command("ip", args...)
	inside.Env = append(os.Environ(), insideVar+"="+t.Name())
	out, err := inside.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("inside the namespace: %v\n%s", err, out)
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// sysctl sets a sysctl of the namespace, given as a path below /proc/sys.
func sysctl(t *testing.T, path, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/"+path, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}
