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

// TestAlpha: a server with alpha is out until its check succeeds, which is told, as is a first
// probe that fails; a reload to other times does not take it out again.
func TestAlphaLive(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	address := server.Addr().String()
	must(t, server.Close())
	alpha := strings.Replace(checked(address), "TCP_CHECK {", "TCP_CHECK {\n      alpha = true", 1)
	n := startNode(t, serviceText("192.0.2.1", alpha))
	e := n.wait(t, CheckChanged)
	delete(e.fields, "error")
	if diff := gocmp.Diff(map[string]any{"check": "tcp " + address, "from": "unknown", "to": "down"}, e.fields); diff != "" {
		t.Error(diff)
	}
	n.kernelHas(t, "TCP 192.0.2.1:80")
	defer listen(t, address).Close()
	n.wait(t, ServerRestored)
	n.kernelHas(t, "TCP 192.0.2.1:80 "+address+"=1")
	n.takeWrites()
	n.write(t, serviceText("192.0.2.1", strings.Replace(alpha, "50ms", "60ms", 1)))
	n.Reload()
	n.wait(t, Reloaded)
	if writes := n.takeWrites(); len(writes) != 0 {
		t.Errorf("the reload wrote %v", writes)
	}
	if n.count(ServerLost) != 0 || n.count(ServerRestored) != 1 {
		t.Errorf("an event too many:\n%s", n.transcript())
	}
}

// TestLogAllFailures: a probe that fails without taking the server out is told where that is asked
// for.
func TestLogAllFailures(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	address := server.Addr().String()
	text := strings.Replace(checked(address), "retry              = 0", "retry = 1\n      log_all_failures = true", 1)
	n := startNode(t, serviceText("192.0.2.1", text))
	waitFor(t, "the check to be made", func() bool {
		for _, v := range n.checks.Verdicts() {
			return v.Known
		}
		return false
	})
	must(t, server.Close())
	e := n.wait(t, CheckFailed)
	delete(e.fields, "error")
	if diff := gocmp.Diff(map[string]any{"check": "tcp " + address, "failures": int64(1)}, e.fields); diff != "" {
		t.Error(diff)
	}
	n.wait(t, ServerLost)
}
