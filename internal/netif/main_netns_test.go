//go:build netns

package netif

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// insideNamespace marks the process that runs in a network namespace of its own. Goroutines do
// not inherit a namespace that one of them entered, so the whole test binary runs inside one.
const insideNamespace = "NETIF_TEST_NAMESPACE"

func TestMain(m *testing.M) {
	if os.Getenv(insideNamespace) != "" {
		os.Exit(m.Run())
	}
	name := fmt.Sprintf("netif-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "ip netns add %s: %v: %s\n", name, err, out)
		os.Exit(1)
	}
	exe, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	self := exec.Command("ip", append([]string{"netns", "exec", name, exe}, os.Args[1:]...)...)
	self.Env = append(os.Environ(), insideNamespace+"="+name)
	self.Stdin, self.Stdout, self.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = self.Run()
	if out, err := exec.Command("ip", "netns", "del", name).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "ip netns del %s: %v: %s\n", name, err, out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
