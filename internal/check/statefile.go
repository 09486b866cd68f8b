package check

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"lvsd/internal/replace"
)

const (
	// saveEvery is how often the verdicts are written.
	saveEvery = 10 * time.Second
	// spare is how much older than its interval explains a verdict may be after a restart: about
	// the time from one writing to the next.
	spare = 2 * saveEvery
	// meanwhile is after how many verdicts that are written the probes have their turn: there may be one processor for
	// both, and thousands take milliseconds.
	meanwhile = 64
	// maxState bounds the file that is read, in bytes.
	maxState = 64 << 20
	// stateVersion is that of the format: a file of another one is not read.
	stateVersion = 1
)

// stateFile is what a restart knows of the targets, by the key of what they are asked.
type stateFile struct {
	Version  int              `json:"version"`
	Verdicts map[string]saved `json:"verdicts"`
}

// saved is a verdict in the file.
type saved struct {
	Healthy  bool      `json:"healthy"`
	Since    time.Time `json:"since"`
	Last     time.Time `json:"last"`
	Failures int       `json:"failures,omitempty"`
	// Successes are those since it failed, of one that is down.
	Successes int     `json:"successes,omitempty"`
	Error     string  `json:"error,omitempty"`
	Found     Finding `json:"found,omitzero"`
}

// key is a spec without its times in a form that another process has too. Secrets are in it as a
// hash alone.
func (s Spec) key() string { return s.id().String() }

// id is a key before it is written.
type id [16]byte

func (i id) String() string { return hex.EncodeToString(i[:]) }

func (s Spec) id() id {
	h := sha256.New()
	from := s.Detail.Socket() // its Mark tells the Server
	fmt.Fprintf(h, "%s %s {Source:%s Port:%d Interface:%s Mark:%d}", s.Kind, s.Addr, from.Source, from.Port, from.Interface, from.Mark)
	if r := s.Detail.Request(); r != nil {
		for _, w := range r.Words() {
			fmt.Fprintf(h, " %q %q %q", w.Name, w.Value, w.Secret)
		}
		fmt.Fprintf(h, " %q", r.suffix())
	}
	return id(h.Sum(nil)[:16])
}

// known are the checks whose verdicts are saved, by what they ask: of two with other times, the
// worse one.
func (s *Set) known() map[id]*check {
	s.mu.Lock()
	all := slices.Collect(s.checks.all())
	s.mu.Unlock()
	for _, c := range all {
		if c.id == (id{}) {
			c.id = c.spec.id()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := make(map[id]*check, len(all))
	for _, c := range all {
		if other := known[c.id]; c.state.Known && (other == nil || worse(c.state.Verdict, other.state.Verdict)) {
			known[c.id] = c
		}
	}
	return known
}

// saved is the verdict of a check as it is saved.
func (s *Set) saved(c *check) saved {
	s.mu.Lock()
	v := c.state.Verdict
	s.mu.Unlock()
	one := saved{Healthy: v.Healthy, Since: v.Since, Last: v.Last, Failures: v.Failures, Successes: v.Successes, Found: v.Found}
	if v.Err != nil {
		one.Error = v.Err.Error()
	}
	return one
}

// save writes verdicts, one after the other: there may be many, and none is worth keeping.
func save(path string, verdicts iter.Seq2[string, saved]) error {
	err := replace.File(path, func(w io.Writer) error {
		if _, err := fmt.Fprintf(w, `{"version":%d,"verdicts":{`, stateVersion); err != nil {
			return err
		}
		var b []byte
		for key, one := range verdicts {
			b = one.append(append(append(append(b, '"'), key...), `":`...))
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = append(b[:0], ',', '\n')
		}
		_, err := io.WriteString(w, "}}\n")
		return err
	})
	if err != nil {
		return fmt.Errorf("write verdicts: %w", err)
	}
	return nil
}

// append writes a verdict as package json would, which takes three times as long.
func (s saved) append(b []byte) []byte {
	b = strconv.AppendBool(append(b, `{"healthy":`...), s.Healthy)
	b = append(s.Since.AppendFormat(append(b, `,"since":"`...), time.RFC3339Nano), '"')
	b = append(s.Last.AppendFormat(append(b, `,"last":"`...), time.RFC3339Nano), '"')
	if s.Failures != 0 {
		b = strconv.AppendInt(append(b, `,"failures":`...), int64(s.Failures), 10)
	}
	if s.Successes != 0 {
		b = strconv.AppendInt(append(b, `,"successes":`...), int64(s.Successes), 10)
	}
	if s.Error != "" {
		text, _ := json.Marshal(s.Error) // a string always can be
		b = append(append(b, `,"error":`...), text...)
	}
	if s.Found != (Finding{}) {
		if text, err := json.Marshal(s.Found); err == nil { // else its time is none that a certificate can have
			b = append(append(b, `,"found":`...), text...)
		}
	}
	return append(b, '}')
}

// restore reads what save wrote. A file that is not there, or that is none of ours, says nothing.
func restore(path string) map[string]saved {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxState {
		return nil
	}
	text, err := os.ReadFile(path)
	var file stateFile
	if err != nil || json.Unmarshal(text, &file) != nil || file.Version != stateVersion {
		return nil
	}
	return file.Verdicts
}

// verdict is what is left of a saved verdict at a time; the second result is false where it is too
// old to be worth anything.
func (s saved) verdict(spec Spec, now time.Time) (Verdict, bool) {
	age := now.Sub(s.Last)
	if age < 0 || age > spec.interval()+spec.Timeout+spare {
		return Verdict{}, false
	}
	v := Verdict{Healthy: s.Healthy, Known: true, Since: s.Since, Last: s.Last, Failures: s.Failures, Successes: s.Successes, Found: s.Found}
	if s.Error != "" {
		v.Err = errors.New(s.Error)
	}
	return v, true
}

// saver writes the verdicts again and again until the set is closed.
func (s *Set) saver() {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-ticker.C:
			s.Save()
		}
	}
}

// Save writes the verdicts for the next process, where the options name a file for them; a set
// without checks leaves it as it is. That they cannot be written is told once. It need not be called:
// a set does it every 10 s, and when it is closed.
func (s *Set) Save() {
	if s.options.StateFile == "" {
		return
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	known := s.known()
	if len(known) == 0 {
		return
	}
	err := save(s.options.StateFile, func(yield func(string, saved) bool) {
		written := 0
		for id, c := range known {
			if written++; written%meanwhile == 0 {
				runtime.Gosched()
			}
			if !yield(id.String(), s.saved(c)) {
				return
			}
		}
	})
	s.mu.Lock()
	tell := err != nil && !s.lost
	s.lost = err != nil
	s.mu.Unlock()
	if tell {
		s.options.StateLost(err)
	}
}
