package realserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"lvsd/internal/replace"
)

// Memory is what was set up, and how it was before. Its zero value is that nothing was.
type Memory struct {
	Settings  []Changed `json:"sysctls,omitempty"`
	Ports     []Port    `json:"ports,omitempty"`
	Tunnels   []Tunnel  `json:"tunnels,omitempty"`
	Addresses []Address `json:"addresses,omitempty"`
	Gateways  []Gateway `json:"gateways,omitempty"`
}

// Changed is a setting with its value before.
type Changed struct {
	Setting
	Was string `json:"was"`
}

// remembered is an item that was set up.
type remembered struct {
	item Item
	was  string
}

// list has all, in the order in which it was set up.
func (m Memory) list() []remembered {
	var list []remembered
	for _, c := range m.Settings {
		list = append(list, remembered{c.Setting, c.Was})
	}
	for _, i := range m.Ports {
		list = append(list, remembered{item: i})
	}
	for _, i := range m.Tunnels {
		list = append(list, remembered{item: i})
	}
	for _, i := range m.Addresses {
		list = append(list, remembered{item: i})
	}
	for _, i := range m.Gateways {
		list = append(list, remembered{item: i})
	}
	return list
}

// remember is the contrary of list.
func remember(list []remembered) (m Memory) {
	for _, r := range list {
		switch i := r.item.(type) {
		case Setting:
			m.Settings = append(m.Settings, Changed{i, r.was})
		case Port:
			m.Ports = append(m.Ports, i)
		case Tunnel:
			m.Tunnels = append(m.Tunnels, i)
		case Address:
			m.Addresses = append(m.Addresses, i)
		case Gateway:
			m.Gateways = append(m.Gateways, i)
		}
	}
	return m
}

// and is what either of two remembers; of a setting that both have, as the first does.
func (m Memory) and(other Memory) Memory {
	list := m.list()
	known := map[Item]bool{}
	for _, r := range list {
		known[r.item] = true
	}
	for _, r := range other.list() {
		if !known[r.item] {
			list = append(list, r)
		}
	}
	return remember(list)
}

// maxState bounds the state file, in bytes: more than 100,000 addresses.
const maxState = 16 << 20

// load reads a state file. One that is not there is an empty one.
func load(path string) (m Memory, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read %s, which says what was set up: %w", path, err)
		}
	}()
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxState))
	if err != nil {
		return m, err
	}
	return parseMemory(text)
}

// parseMemory reads the content of a state file, all of it or nothing.
func parseMemory(text []byte) (m Memory, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Memory{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Memory{}, errors.New("more than one JSON value")
	}
	for _, a := range m.Addresses {
		if !a.IP.IsValid() || a.Dev == "" {
			return Memory{}, errors.New("an address without an address or a device")
		}
	}
	for _, g := range m.Gateways {
		if !g.Via.IsValid() || g.Dev == "" {
			return Memory{}, errors.New("a gateway without an address or a device")
		}
	}
	for _, t := range m.Tunnels {
		if !t.Local.IsValid() || t.Dev == "" {
			return Memory{}, errors.New("a tunnel without an address or a device")
		}
	}
	for _, s := range m.Settings {
		if s.Name == "" {
			return Memory{}, errors.New("a sysctl without a name")
		}
	}
	return m, nil
}

// save replaces a state file as a whole. Nothing to remember is no file.
func (m Memory) save(path string) error {
	if len(m.list()) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove state file: %w", err)
		}
		return nil
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	if err := replace.Bytes(path, append(text, '\n')); err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	return nil
}
