package check

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// saveEvery is how often the verdicts are written.
	saveEvery = 10 * time.Second
	// spare is how much older than its interval explains a verdict may be after a restart: about
	// the time from one writing to the next.
	spare = 2 * saveEvery
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
	Error    string    `json:"error,omitempty"`
	Found    Finding   `json:"found,omitzero"`
}

// key is a spec without its times in a form that another process has too. Secrets are in it as a
// hash alone.
func (s Spec) key() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %+v", s.Kind, s.Addr, s.Detail.Socket())
	if r := s.Detail.Request(); r != nil {
		for _, w := range r.Words() {
			fmt.Fprintf(h, " %q %q %q", w.Name, w.Value, w.Secret)
		}
		fmt.Fprintf(h, " %q", r.suffix())
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// state is what is known now, as it is saved.
func (s *Set) state() map[string]saved {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]saved, len(s.checks))
	for spec, c := range s.checks {
		v := c.state.Verdict
		if !v.Known {
			continue
		}
		if c.key == "" {
			c.key = spec.key()
		}
		if old, twice := all[c.key]; twice && !old.Healthy {
			continue // of two with other times, the worse one
		}
		one := saved{Healthy: v.Healthy, Since: v.Since, Last: v.Last, Failures: v.Failures, Found: v.Found}
		if v.Err != nil {
			one.Error = v.Err.Error()
		}
		all[c.key] = one
	}
	return all
}

// save writes verdicts.
func save(path string, verdicts map[string]saved) error {
	text, err := json.Marshal(stateFile{stateVersion, verdicts})
	if err != nil {
		return fmt.Errorf("write verdicts: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write verdicts: %w", err)
	}
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		os.Remove(temporary.Name())
		return fmt.Errorf("write verdicts: %w", err)
	}
	return nil
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
	v := Verdict{Healthy: s.Healthy, Known: true, Since: s.Since, Last: s.Last, Failures: s.Failures, Found: s.Found}
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
	verdicts := s.state()
	if len(verdicts) == 0 {
		return
	}
	err := save(s.options.StateFile, verdicts)
	s.mu.Lock()
	tell := err != nil && !s.lost
	s.lost = err != nil
	s.mu.Unlock()
	if tell {
		s.options.StateLost(err)
	}
}
