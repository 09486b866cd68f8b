package director

import (
	"strings"
	"testing"
)

// TestRestartKeepsWhatIsKnown: a server that was down does not come back for a moment because lvsd is started again.
func TestRestartKeepsWhatIsKnown(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	address := server.Addr().String()
	must(t, server.Close())
	dir := t.TempDir()
	start := func() *node {
		return startNode(t, serviceText("192.0.2.1", checked(address)+`  real_server "10.0.0.2" "80" {}`+"\n"), func(n *node) { n.runDir = dir })
	}
	n := start()
	n.wait(t, ServerLost)
	n.Stop()
	n.wait(t, Stopped)
	must(t, n.end(t))

	n = start()
	n.wait(t, ServicesSet)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.2:80=1")
	if got := strings.Join(n.takeWrites(), "\n"); strings.Contains(got, "add destination "+address) {
		t.Errorf("it was added:\n%s", got)
	}
}
