package netif

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// state is the content of the state file: the addresses that are removed at the next start if
// they are found and no master has them.
type state struct {
	Addresses []Address `json:"addresses"`
}

// recall reads the state file. What cannot be read is reported and taken as empty: the wanted
// addresses are removed at start anyway, only those of a former configuration are missed.
func (l *loop) recall() {
	if l.stateFile == "" {
		return
	}
	text, err := os.ReadFile(l.stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var s state
	if err == nil {
		if err = json.Unmarshal(text, &s); err != nil {
			err = fmt.Errorf("read %s: %w: addresses left over from a former configuration are not known", l.stateFile, err)
		}
	}
	l.complain("state file", err)
	if err != nil {
		return
	}
	l.saved = string(text)
	for _, a := range s.Addresses {
		if a.Prefix.IsValid() && a.Dev != "" {
			l.owned[a.canonical()] = struct{}{}
		}
	}
}

// remember forgets addresses that are neither wanted nor there, and writes the state file if its
// content has changed. It is replaced as a whole, but not synced to the disk: the addresses do
// not survive a crash of the kernel either.
func (l *loop) remember() {
	if !l.unsaved {
		return
	}
	wanted := make(map[Address]bool)
	for _, in := range l.want.Instances {
		for _, a := range in.Addresses {
			wanted[a.canonical()] = true
		}
	}
	if l.dumped && !l.stale {
		maps.DeleteFunc(l.owned, func(a Address, _ struct{}) bool {
			_, there := l.have.Addresses[a]
			return !there && !wanted[a]
		})
	}
	if l.stateFile == "" {
		l.unsaved = false
		return
	}
	text, err := json.Marshal(state{slices.SortedFunc(maps.Keys(l.owned), compareAddress)})
	if err == nil && string(text) != l.saved {
		err = replaceFile(l.stateFile, text)
	}
	l.complain("state file", err)
	if err == nil {
		l.saved, l.unsaved = string(text), false
	}
}

// replaceFile writes a file that a reader sees either old or new.
func replaceFile(path string, text []byte) error {
	next := path + ".new"
	err := os.WriteFile(next, text, 0o600)
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	return nil
}
