//go:build netns || vm

package realserver

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// insideNamespace marks the process that runs in a network namespace of its own.
const insideNamespace = "REALSERVER_TEST_NAMESPACE"

func TestMain(m *testing.M) {
	if os.Getenv(insideNamespace) != "" {
		os.Exit(m.Run())
	}
	exe, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	self := exec.Command("unshare", append([]string{"--net", exe}, os.Args[1:]...)...)
	self.Env = append(os.Environ(), insideNamespace+"=yes")
	self.Stdin, self.Stdout, self.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := self.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(t *testing.T, command string) string {
	t.Helper()
	out, err := exec.Command("sh", "-ec", command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}
