package check

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// program starts a server that runs in the foreground, waits until it serves, and ends it with the
// test. tools/deps installs it.
func program(t testing.TB, network string, addr netip.AddrPort, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path = filepath.Join("/usr/sbin", name); !executable(path) {
			t.Fatalf("%v; run make deps", err)
		}
	}
	var output bytes.Buffer
	c := exec.Command(path, args...)
	c.Stdout, c.Stderr = &output, &output
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Wait()
	}()
	t.Cleanup(func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if serving := bindable(network, addr) != nil; serving {
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %s", name, output.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not serve %s: %s", name, addr, output.String())
		}
	}
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

// bindable is nil if nobody has an address.
func bindable(network string, addr netip.AddrPort) error {
	if network == "udp" {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
		if err == nil {
			conn.Close()
		}
		return err
	}
	listener, err := net.Listen("tcp", addr.String())
	if err == nil {
		listener.Close()
	}
	return err
}

// freePort is an address on loopback that nobody has.
func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

// file writes a file into a directory of the test's own and returns its path.
func file(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// openssl runs one command of openssl(1) in a directory.
func openssl(t testing.TB, dir string, args ...string) {
	t.Helper()
	c := exec.Command("openssl", args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v; run make deps\n%s", args, err, out)
	}
}

// authority makes ca.pem and ca.key in a directory.
func authority(t testing.TB, dir string) {
	t.Helper()
	openssl(t, dir, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
		"-subj", "/CN=an authority", "-keyout", "ca.key", "-out", "ca.pem")
}

// issue makes name.pem and name.key for a name or address in subjectAltName form, which the
// authority of the directory vouches for until so many days from now.
func issue(t testing.TB, dir, name, alternative string, days int) {
	t.Helper()
	openssl(t, dir, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN="+name,
		"-keyout", name+".key", "-out", name+".csr")
	file(t, dir, name+".ext", "subjectAltName="+alternative+"\n")
	openssl(t, dir, "x509", "-req", "-in", name+".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
		"-days", fmt.Sprint(days), "-extfile", name+".ext", "-out", name+".pem")
}
