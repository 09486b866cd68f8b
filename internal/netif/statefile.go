package netif

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"lvsd/internal/replace"
)

// state is the content of the state file: the addresses, routes and rules that were put on, which are
// removed at the next start if they are found and no master has them.
type state struct {
	Addresses []stateAddress `json:"addresses"`
	Routes    []Route        `json:"routes,omitempty"`
	Rules     []Rule         `json:"rules,omitempty"`
}

type stateAddress struct {
	Address netip.Prefix `json:"address"`
	Dev     string       `json:"dev"`
	Label   string       `json:"label,omitempty"`
	Scope   uint8        `json:"scope,omitempty"`
	Peer    *netip.Addr  `json:"peer,omitempty"`
	// What was written with it.
	Broadcast *netip.Addr `json:"broadcast,omitempty"`
	Flags     Flags       `json:"flags,omitempty"`
	Preferred Lifetime    `json:"preferred,omitempty"`
}

// address is an address of the state file as the rest of the package has it.
func (s stateAddress) address() Address {
	a := Address{Prefix: s.Address, Dev: s.Dev, Label: s.Label, Scope: s.Scope, Flags: s.Flags, Preferred: s.Preferred}
	if s.Peer != nil {
		a.Peer = *s.Peer
	}
	if s.Broadcast != nil {
		a.Broadcast = *s.Broadcast
	}
	return a.canonical()
}

// stated is the contrary of address.
func stated(a Address) stateAddress {
	s := stateAddress{Address: a.Prefix, Dev: a.Dev, Label: a.Label, Scope: a.Scope, Flags: a.Flags, Preferred: a.Preferred}
	if a.Peer.IsValid() {
		s.Peer = &a.Peer
	}
	if a.Broadcast.IsValid() {
		s.Broadcast = &a.Broadcast
	}
	return s
}

// maxState bounds the state file, in bytes: more than 100,000 addresses, or 50,000 routes.
const maxState = 16 << 20

// recall reads the state file. What cannot be read is reported and taken as empty: the wanted
// addresses are removed at start anyway where the host has others, only those of a former
// configuration are missed.
func (l *loop) recall() {
	if l.stateFile == "" {
		return
	}
	text, err := readFile(l.stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var s state
	if err == nil {
		s, err = parseState(text)
	}
	if err != nil {
		err = fmt.Errorf("read %s: %w: addresses, routes and rules left over from a former configuration are not known", l.stateFile, err)
	}
	l.complain("state file", err)
	if err != nil {
		return
	}
	l.saved = string(text)
	for _, a := range s.Addresses {
		l.owned[a.address()] = struct{}{}
	}
	l.routes.recall(s.Routes)
	l.rules.recall(s.Rules)
}

// readFile reads a regular file of at most maxState bytes, and waits for nothing: what else may
// stand in its place, a named pipe, would hold the thread that adds the addresses.
func readFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	switch info, err := f.Stat(); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > maxState:
		return nil, fmt.Errorf("larger than %d bytes", maxState)
	}
	return io.ReadAll(io.LimitReader(f, maxState))
}

// parseState reads the content of a state file, all of it or nothing.
func parseState(text []byte) (s state, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return s, errors.New("more than one JSON value")
	}
	if s.Addresses == nil {
		return s, errors.New(`no "addresses"`)
	}
	for i, a := range s.Addresses {
		if !a.Address.IsValid() || a.Dev == "" {
			return s, fmt.Errorf("address %d: no address or no dev", i+1)
		}
	}
	for i, r := range s.Routes {
		if !r.To.IsValid() || r.Protocol == 0 || Hops(r.Nexthops.List()...) != r.Nexthops {
			return s, fmt.Errorf("route %d: no destination, no protocol, or nexthops that cannot be read", i+1)
		}
	}
	for i, r := range s.Rules {
		if r.Family != 4 && r.Family != 6 || r.Protocol == 0 {
			return s, fmt.Errorf("rule %d: no family or no protocol", i+1)
		}
	}
	return s, nil
}

func formatState(owned map[Address]struct{}, routes []Route, rules []Rule) ([]byte, error) {
	s := state{Addresses: []stateAddress{}, Routes: routes, Rules: rules}
	for _, a := range slices.SortedFunc(maps.Keys(owned), compareAddress) {
		s.Addresses = append(s.Addresses, stated(a))
	}
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// remember writes the state file if its content has changed. It is replaced as a whole, but not
// synced to the disk: the addresses do not survive a crash of the kernel either.
func (l *loop) remember() {
	if !l.unsaved {
		return
	}
	l.disown()
	if l.stateFile == "" {
		l.unsaved = false
		return
	}
	text, err := formatState(l.owned, l.routes.ours(), l.rules.ours())
	if err == nil && string(text) != l.saved {
		if err = replace.Bytes(l.stateFile, text); err != nil {
			err = fmt.Errorf("write state file: %w", err)
		}
	}
	l.complain("state file", err)
	if err == nil {
		l.saved, l.unsaved = string(text), false
	}
}
