package director

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestVerdicts: a server that fails leaves the table, and comes back; each once in the log.
func TestVerdicts(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	address := server.Addr().String()
	n := startNode(t, serviceText("192.0.2.1", checked(address)+`  real_server "10.0.0.2" "80" {}`+"\n")+
		serviceText("192.0.2.2", checked(address)))
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.2:80=1 "+address+"=1", "TCP 192.0.2.2:80 "+address+"=1")

	must(t, server.Close())
	for _, service := range []string{"TCP 192.0.2.1:80", "TCP 192.0.2.2:80"} {
		e := n.wait(t, ServerLost)
		text, _ := e.fields["error"].(string)
		delete(e.fields, "error")
		want := map[string]any{"service": service, "real_server": address, "check": "tcp " + address, "from": "up", "to": "down"}
		if diff := gocmp.Diff(want, e.fields); diff != "" || !strings.Contains(text, "refused") {
			t.Errorf("error %q (-want +got):\n%s", text, diff)
		}
	}
	n.wait(t, ServiceEmpty)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.2:80=1", "TCP 192.0.2.2:80")
	s := n.status(t).Services[1].RealServers[0]
	if s.Healthy || s.EffectiveWeight != 0 || s.Checks[0].State != "down" || s.Checks[0].Error == "" {
		t.Errorf("status of the lost server: %+v", s)
	}

	defer listen(t, address).Close()
	n.wait(t, ServerRestored)
	n.wait(t, ServerRestored)
	n.wait(t, ServiceServed)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.2:80=1 "+address+"=1", "TCP 192.0.2.2:80 "+address+"=1")
	if n.count(ServerLost) != 2 || n.count(ServerRestored) != 2 || n.count(ServiceEmpty) != 1 {
		t.Errorf("an event too many:\n%s", n.transcript())
	}
}

// TestFlipBeforeReload: a verdict that changed just before a reload is told all the same.
func TestFlipBeforeReload(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	address := server.Addr().String()
	n := startNode(t, serviceText("192.0.2.1", checked(address)))
	n.kernelHas(t, "TCP 192.0.2.1:80 "+address+"=1")

	busy := make(chan Status) // the director waits until it is read
	n.inbox.post(statusRequest{busy})
	must(t, server.Close())
	waitFor(t, "the check to fail", func() bool {
		for _, v := range n.checks.Verdicts() {
			return !v.Healthy
		}
		return false
	})
	n.Reload()
	<-busy
	n.wait(t, ServerLost)
	n.wait(t, Reloaded)
	n.kernelHas(t, "TCP 192.0.2.1:80")
	if got := n.count(ServerLost); got != 1 {
		t.Errorf("%d events", got)
	}
}

// TestReloadKeepsVerdicts: a server that is down stays out of the table when the file changes
// elsewhere.
func TestReloadKeepsVerdicts(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	address := server.Addr().String()
	n := startNode(t, serviceText("192.0.2.1", checked(address)))
	must(t, server.Close())
	n.wait(t, ServerLost)
	n.kernelHas(t, "TCP 192.0.2.1:80")
	n.takeWrites()
	n.write(t, serviceText("192.0.2.1", checked(address))+serviceText("192.0.2.3", checked(address)+twoServers))
	n.Reload()
	n.kernelHas(t, "TCP 192.0.2.1:80", "TCP 192.0.2.3:80 10.0.0.1:80=1 10.0.0.2:80=1")
	for _, w := range n.takeWrites() {
		if strings.Contains(w, address) {
			t.Errorf("%s: of a server that is down", w)
		}
	}
}

// TestReloadWithOtherTiming: a server that is down does not get connections because its check is
// made at other times now, and it is told when it comes back.
func TestReloadWithOtherTiming(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	address := server.Addr().String()
	n := startNode(t, serviceText("192.0.2.1", checked(address)))
	must(t, server.Close())
	n.wait(t, ServerLost)
	n.kernelHas(t, "TCP 192.0.2.1:80")
	n.takeWrites()
	n.write(t, serviceText("192.0.2.1", strings.Replace(checked(address), "50ms", "60ms", 1)+twoServers))
	n.Reload()
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1")
	for _, w := range n.takeWrites() {
		if strings.Contains(w, address) {
			t.Errorf("%s: of a server that is down", w)
		}
	}
	defer listen(t, address).Close()
	n.wait(t, ServerRestored)
	n.kernelHas(t, "TCP 192.0.2.1:80 10.0.0.1:80=1 10.0.0.2:80=1 "+address+"=1")
	if got := n.count(ServerLost); got != 1 {
		t.Errorf("lost %d times", got)
	}
}
