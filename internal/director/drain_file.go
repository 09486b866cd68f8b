package director

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"lvsd/internal/ipvs"
	"lvsd/internal/replace"
)

// This file remembers the servers that a reload removed, and that finish their connections, for the next process.

// drainsVersion is that of the file's format: one of another is not read.
const drainsVersion = 1

type drainsFile struct {
	Version int            `json:"version"`
	Drains  []savedRemoval `json:"drains"`
}

// savedRemoval is one server of one service of the kernel.
type savedRemoval struct {
	Service     ipvs.ServiceKey  `json:"service"`
	Server      netip.AddrPort   `json:"real_server"`
	Destination ipvs.Destination `json:"destination"`
	Until       time.Time        `json:"until,omitzero"`
}

func formatDrains(list map[serverKey]drain) ([]byte, error) {
	file := drainsFile{Version: drainsVersion, Drains: []savedRemoval{}}
	for _, key := range slices.SortedFunc(maps.Keys(list), func(a, b serverKey) int {
		return cmp.Or(a.service.Compare(b.service), a.address.Compare(b.address))
	}) {
		file.Drains = append(file.Drains, savedRemoval{key.service, key.address, list[key].destination, list[key].until})
	}
	b, err := json.MarshalIndent(file, "", "  ")
	return append(b, '\n'), err
}

// parseDrains reads what formatDrains wrote. A file with an error says nothing at all.
func parseDrains(b []byte) (map[serverKey]drain, error) {
	var file drainsFile
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, err
	}
	if file.Version != drainsVersion {
		return nil, fmt.Errorf("its version is %d, not %d", file.Version, drainsVersion)
	}
	list := map[serverKey]drain{}
	for i, s := range file.Drains {
		if !s.Server.IsValid() {
			return nil, fmt.Errorf("drain %d names no server", i+1)
		}
		s.Destination.Weight = 0
		list[serverKey{s.Service, s.Server}] = drain{s.Destination, s.Until}
	}
	return list, nil
}

// readDrains reads the file. One that is not there says nothing, and is no error.
func readDrains(path string) (map[serverKey]drain, error) {
	b, err := readRunFile(path)
	var list map[serverKey]drain
	if err == nil && b != nil {
		list, err = parseDrains(b)
	}
	if err != nil {
		return nil, fmt.Errorf("read the drains %s, connections of servers that a reload removed are cut: %w", path, err)
	}
	return list, nil
}

// drainsPath is the file in the run directory.
func (o *Options) drainsPath() string { return filepath.Join(o.RunDir, "drains.json") }

// saveDrains writes the drains for the next process, and tells of an error.
func (d *Director) saveDrains() {
	b, err := formatDrains(d.drains)
	if err == nil {
		err = replace.Bytes(d.options.drainsPath(), b)
	}
	if err != nil {
		d.journal.event(HostTrouble, zap.String("part", "drains"), zap.Error(fmt.Errorf("write the drains: %w", err)))
	}
}

// draining is a table with the servers of a process before, which is all that is known of it.
func draining(list map[serverKey]drain) ipvs.Wanted {
	t := ipvs.Table{}
	for key, d := range list {
		if t[key.service].Destinations == nil {
			t[key.service] = ipvs.Entry{Destinations: map[netip.AddrPort]ipvs.Destination{}}
		}
		t[key.service].Destinations[key.address] = d.destination
	}
	return t.Wanted()
}
