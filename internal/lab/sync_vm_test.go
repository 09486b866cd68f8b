//go:build vm

package lab

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// With lvs_sync_daemon the master sends and the other node receives, and what is under way when the
// master dies is answered to its end by way of the other node, which sends from then on: requests that
// are half answered, and a download, which comes whole.
func TestConnectionsSurviveATakeover(t *testing.T) {
	d := newDirectors(t, NAT, "")
	var servers, downloads []string
	for _, real := range d.Real {
		servers = append(servers, serverBlock(real, 80, 1))
		downloads = append(downloads, fmt.Sprintf("\n  real_server %q \"8000\" {\n    TCP_CHECK { connect_timeout = \"2s\" }\n  }", real))
	}
	d.write("global_defs {\n  lvs_sync_daemon = \"eth1 inst web\"\n}\n" + instance +
		serviceBlock("\n  lb_algo = \"rr\"\n  lb_kind = \"NAT\"\n", servers...) +
		"\nvirtual_server \"192.168.2.11\" \"8080\" {\n  lb_algo = \"rr\"\n  lb_kind = \"NAT\"\n" + strings.Join(downloads, "") + "\n}\n")
	file := make([]byte, 6<<20)
	if _, err := rand.NewChaCha8([32]byte{}).Read(file); err != nil {
		t.Fatal(err)
	}
	for _, web := range d.Web {
		slowly(t, web, ":8000", file)
	}
	d.startBoth()
	runs := func(i int, state string) {
		t.Helper()
		d.until(fmt.Sprintf("%s runs the %s daemon", d.LB[i].Name, state), func() error {
			out, err := d.LB[i].Run(d.ctx, "ipvsadm", "-L", "--daemon")
			if err == nil && (strings.Count(out, "sync daemon") != 1 || !strings.Contains(out, state+" sync daemon (mcast=eth1, syncid=51")) {
				err = fmt.Errorf("ipvsadm shows %q", out)
			}
			return err
		})
	}
	runs(0, "master")
	runs(1, "backup")
	held := d.slow("web1", "web2", "web3")
	saved := filepath.Join(t.TempDir(), "download")
	curl, err := d.Client.Start(nil, "curl", "--silent", "--show-error", "--no-buffer", "--output", saved, fmt.Sprintf("http://%s:8080/", d.VIP))
	if err != nil {
		t.Fatal(err)
	}
	arrived := func(n int64) func() error {
		return func() error {
			info, err := os.Stat(saved)
			if err == nil && info.Size() < n {
				err = fmt.Errorf("%d bytes have come", info.Size())
			}
			return err
		}
	}
	d.until("the download is under way", arrived(int64(len(file))/8))
	d.until("lb2 knows the connections", func() error {
		out, err := d.LB[1].Run(d.ctx, "ipvsadm", "-Lcn")
		if n := strings.Count(out, "ESTABLISHED"); err == nil && n < len(held)+1 {
			err = fmt.Errorf("it knows %d of %d", n, len(held)+1)
		}
		return err
	})
	died := time.Now()
	if err := d.LB[0].PowerOff(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(saved)
	if err != nil || info.Size() >= int64(len(file)) {
		t.Fatalf("the download had ended before the master did: %v, %v", info, err)
	}
	before := info.Size()
	d.event(1, died, "role_changed", "to", "MASTER")
	d.until("lb2 holds the VIP", func() error { return d.holds(1, "eth0", d.VIP, true) })
	d.ended(held)
	runs(1, "master")
	if err := curl.Wait(d.ctx); err != nil {
		t.Fatalf("curl: %v\n%s", err, curl.tail())
	}
	got, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	if sha256.Sum256(got) != sha256.Sum256(file) {
		t.Errorf("%d bytes came of %d, and are not those that were sent", len(got), len(file))
	}
	t.Logf("%d bytes, %d of them when the master died; whole %s after that", len(got), before, time.Since(died).Round(time.Millisecond))
}

// slowly serves a file on an address of the host at some 800 kB/s.
func slowly(t *testing.T, h *Host, address string, file []byte) {
	t.Helper()
	l, err := h.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(file)))
		pace := time.NewTicker(40 * time.Millisecond)
		defer pace.Stop()
		for rest := bytes.NewReader(file); rest.Len() > 0; <-pace.C {
			if _, err := io.CopyN(w, rest, 32<<10); err != nil && rest.Len() > 0 {
				return
			}
		}
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // ends with Close, and with nothing else
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
}
