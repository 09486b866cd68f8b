//go:build netns

package lab

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// advert is a frame with an advert of version 3 for a virtual router, whose checksums are right.
func advert(vrid, ttl byte) []byte {
	f := []byte{0x01, 0, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 0x66, 0x08, 0,
		0x45, 0xc0, 0, 32, 0, 0, 0, 0, ttl, 112, 0, 0, 192, 168, 2, 99, 224, 0, 0, 18,
		0x31, vrid, 255, 1, 0, 1, 0, 0, 192, 168, 2, 11}
	binary.BigEndian.PutUint16(f[24:], internetChecksum(0, f[14:34]))
	binary.BigEndian.PutUint16(f[40:], internetChecksum(112+12, append(f[26:34:34], f[34:]...)))
	return f
}

// internetChecksum is that of RFC 1071 over an even number of bytes, starting from sum.
func internetChecksum(sum uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// electionOf is the process of a node's election.
func electionOf(b *testing.B, p *Process) string {
	b.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		text, _ := os.ReadFile(file) // a thread may have ended
		if children := strings.Fields(string(text)); len(children) > 0 {
			return children[0]
		}
	}
	b.Fatal("the node has no process for its election")
	return ""
}

// used is the time that a process had of a processor, in steps of 10 ms (proc(5)).
func used(b *testing.B, pid string) time.Duration {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text)[strings.LastIndex(string(text), ")"):])
	ticks := 0
	for _, f := range fields[12:14] { // utime and stime
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// BenchmarkFlood sends a master, at adverts of 10 ms, so many adverts a second that it refuses (wrong TTL and checksum) or that are
// another virtual router's, and reads off the wire how late its own are, from one to the next.
func BenchmarkFlood(b *testing.B) {
	const interval, long = 10 * time.Millisecond, 10 * time.Second
	broken := advert(51, 255)
	broken[len(broken)-1]++
	kinds := map[string][][]byte{"others": {advert(77, 255)}, "refused": {advert(51, 64), broken}}
	for _, kind := range []string{"others", "refused"} {
		for _, rate := range []int{0, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", kind, rate), func(b *testing.B) {
				c := newMaster(b, "lvsd", pairConf(3, interval))
				_, port, err := c.LB[0].port("eth0")
				if err != nil {
					b.Fatal(err)
				}
				var blast *Blast
				if err := c.lan.Do(func() error {
					blast, err = NewBlast(port.Attrs().Name)
					return err
				}); err != nil {
					b.Fatal(err)
				}
				defer blast.Close()
				frames := make([][]byte, 0, 2*batch)
				for len(frames) < cap(frames) {
					frames = append(frames, kinds[kind]...)
				}
				election := electionOf(b, c.node[0])
				var late []time.Duration
				sent, cpu, took := 0, time.Duration(0), time.Duration(0)
				for b.Loop() {
					began, before := time.Now(), used(b, election)
					n, err := blast.Flood(frames, rate, long)
					if err != nil {
						b.Fatal(err)
					}
					sent, cpu, took = sent+n, cpu+used(b, election)-before, took+time.Since(began)
					var last time.Time
					for _, f := range c.frames(began) {
						if f.advertOf(0) {
							if !last.IsZero() {
								late = append(late, f.at.Sub(last)-interval)
							}
							last = f.at
						}
					}
				}
				report(b, late)
				b.ReportMetric(float64(late[len(late)*999/1000].Microseconds())/1000, "ms-late-p99.9")
				b.ReportMetric(float64(sent)/took.Seconds(), "adverts/s")
				b.ReportMetric(100*cpu.Seconds()/took.Seconds(), "%cpu")
			})
		}
	}
}
