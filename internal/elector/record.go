package elector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lvsd/internal/replace"
	"lvsd/internal/vrrp"
)

// record remembers across a crash which instances are master, and until when they have vouched for
// it: who is started again before that goes on.
type record struct {
	path string

	mu      sync.Mutex
	masters map[vrrp.Key]time.Time
	ended   bool          // nothing is remembered any more
	vouched chan struct{} // something is remembered for longer, since the last look
	lost    chan struct{} // something is not remembered any more, since then
}

// recordFile is the content of the file. Times are of the machine's own clock, which no one sets,
// and therefore of one boot of it.
type recordFile struct {
	Boot    string         `json:"boot_id"`
	Masters []recordMaster `json:"masters"`
}

type recordMaster struct {
	Interface string        `json:"interface"`
	VRID      uint8         `json:"virtual_router_id"`
	IPv6      bool          `json:"ipv6,omitempty"`
	Until     time.Duration `json:"until"` // since the boot, in nanoseconds
}

func newRecord(path string) *record {
	return &record{path: path, masters: map[vrrp.Key]time.Time{}, vouched: make(chan struct{}, 1), lost: make(chan struct{}, 1)}
}

// vouch remembers that an instance is master until a time; forget that it is not.
func (r *record) vouch(key vrrp.Key, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.masters[key] = until
		signal(r.vouched)
	}
}

func (r *record) forget(key vrrp.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, was := r.masters[key]; was {
		delete(r.masters, key)
		signal(r.lost)
	}
}

// end forgets all, for good: a node that stops in order does not go on.
func (r *record) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	clear(r.masters)
	signal(r.lost)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// recordPause is between two writes that remember for longer: what vouches for less than that would
// not survive a restart. A role that is lost is forgotten at once: another node may have it at once.
const recordPause = 100 * time.Millisecond

// run writes what is to be remembered until ctx ends, on a thread that may wait for the disk. Each
// error is reported once.
func (r *record) run(ctx context.Context, report func(error)) {
	if r.path == "" {
		return
	}
	said := ""
	vouched, pause := r.vouched, time.NewTimer(0)
	defer pause.Stop()
	for last := false; !last; {
		select {
		case <-pause.C:
			vouched = r.vouched
			continue
		case <-vouched:
		case <-r.lost:
		case <-ctx.Done():
			last = true
		}
		err := r.write()
		if err != nil && err.Error() != said {
			report(err)
		}
		if said = ""; err != nil {
			said = err.Error()
		}
		vouched = nil
		pause.Reset(recordPause)
	}
}

func (r *record) write() error {
	boot, now, err := bootClock()
	if err != nil {
		return err
	}
	content := recordFile{Boot: boot, Masters: []recordMaster{}}
	r.mu.Lock()
	for key, until := range r.masters {
		content.Masters = append(content.Masters, recordMaster{key.Interface, key.VRID, key.IPv6, now + time.Until(until)})
	}
	r.mu.Unlock()
	slices.SortFunc(content.Masters, func(a, b recordMaster) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	text, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("write %s: %w", r.path, err)
	}
	if err := replace.Bytes(r.path, append(text, '\n')); err != nil {
		return fmt.Errorf("write the state file of mastership: %w", err)
	}
	return nil
}

// maxRecord bounds the file, in bytes: more than 10,000 instances. maxVouched is 100 adverts of
// 255 s: nothing vouches for longer.
const (
	maxRecord  = 1 << 20
	maxVouched = 100 * 255 * time.Second
)

// recall reads which instances were master in the process before this one, and still would be. A
// file that is not there, or of another boot, says nothing.
func (r *record) recall() (map[vrrp.Key]time.Time, error) {
	if r.path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(r.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the state file of mastership: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRecord))
	var content recordFile
	if err == nil {
		err = json.Unmarshal(text, &content)
	}
	if err != nil {
		return nil, fmt.Errorf("read the state file of mastership %s: %w", r.path, err)
	}
	masters, now := map[vrrp.Key]time.Time{}, time.Now() // before the other clock is read: rather too little is left than too much
	boot, since, err := bootClock()
	if err != nil || content.Boot != boot {
		return nil, err
	}
	for _, m := range content.Masters {
		if left := m.Until - since; left > 0 && left <= maxVouched {
			masters[vrrp.Key{Interface: m.Interface, VRID: m.VRID, IPv6: m.IPv6}] = now.Add(left)
		}
	}
	return masters, nil
}

// bootClock is which boot of the machine this is, and how long ago it was (random(4),
// clock_gettime(2)).
func bootClock() (id string, since time.Duration, err error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", 0, fmt.Errorf("read which boot this is: %w", err)
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return "", 0, fmt.Errorf("read the time since boot: %w", err)
	}
	return strings.TrimSpace(string(text)), time.Duration(ts.Nano()), nil
}
