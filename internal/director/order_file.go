package director

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"lvsd/internal/replace"
)

// This file remembers what an operator said of real servers for the next process.

// ordersVersion is that of the file's format: one of another is not read.
const ordersVersion = 1

type ordersFile struct {
	Version int          `json:"version"`
	Orders  []savedOrder `json:"orders"`
}

// savedOrder is what was said of one server; Drain and Weight are nil where nothing was said of them.
type savedOrder struct {
	Service string         `json:"service"` // as serviceName has it
	Server  netip.AddrPort `json:"real_server"`
	Drain   *savedDrain    `json:"drain,omitempty"`
	Weight  *savedWeight   `json:"weight,omitempty"`
}

type savedDrain struct {
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until,omitzero"`
	Drained bool      `json:"drained"`
	UID     uint32    `json:"uid"`
}

type savedWeight struct {
	Weight int       `json:"weight"`
	Since  time.Time `json:"since"`
	UID    uint32    `json:"uid"`
}

func formatOrders(o orders) ([]byte, error) {
	file := ordersFile{Version: ordersVersion, Orders: []savedOrder{}}
	for _, key := range slices.SortedFunc(maps.Keys(o), member.compare) {
		is := savedOrder{Service: key.service, Server: key.address}
		if d := o[key].drain; d.ordered {
			is.Drain = &savedDrain{d.since, d.until, d.drained, d.uid}
		}
		if w := o[key].weight; w.ordered {
			is.Weight = &savedWeight{w.weight, w.since, w.uid}
		}
		file.Orders = append(file.Orders, is)
	}
	b, err := json.MarshalIndent(file, "", "  ")
	return append(b, '\n'), err
}

// parseOrders reads what formatOrders wrote. A file with an error says nothing at all.
func parseOrders(b []byte) (orders, error) {
	var file ordersFile
	decoder := json.NewDecoder(bytes.NewReader(b))
	if err := decoder.Decode(&file); err != nil {
		return nil, err
	}
	if file.Version != ordersVersion {
		return nil, fmt.Errorf("its version is %d, not %d", file.Version, ordersVersion)
	}
	o := orders{}
	for i, s := range file.Orders {
		if s.Service == "" || !s.Server.IsValid() {
			return nil, fmt.Errorf("order %d names no server", i+1)
		}
		var is order
		if d := s.Drain; d != nil {
			is.drain = drainOrder{true, d.Since, d.Until, d.Drained, d.UID}
		}
		if w := s.Weight; w != nil {
			if w.Weight < 0 || w.Weight > maxWeight {
				return nil, fmt.Errorf("order %d: the weight %d is not in 0 to %d", i+1, w.Weight, maxWeight)
			}
			is.weight = weightOrder{true, w.Weight, w.Since, w.UID}
		}
		if is != (order{}) {
			o[member{s.Service, s.Server}] = is
		}
	}
	return o, nil
}

// readOrders reads the file. One that is not there says nothing, and is no error.
func readOrders(path string) (orders, error) {
	b, err := readRunFile(path)
	var o orders
	if err == nil && b != nil {
		o, err = parseOrders(b)
	}
	if err != nil {
		return nil, fmt.Errorf("read the operator's orders %s, servers that were drained get connections again: %w", path, err)
	}
	return o, nil
}

// writeOrders replaces the file in one step.
func writeOrders(path string, o orders) error {
	b, err := formatOrders(o)
	if err != nil {
		return err
	}
	return replace.Bytes(path, b)
}

// ordersPath is the file in the run directory.
func (o *Options) ordersPath() string { return filepath.Join(o.RunDir, "orders.json") }

// saveOrders writes the orders for the next process, and tells of an error.
func (d *Director) saveOrders() error {
	err := writeOrders(d.options.ordersPath(), d.health.orders)
	if err != nil {
		err = fmt.Errorf("write the operator's orders: %w", err)
		d.journal.event(HostTrouble, zap.String("part", "orders"), zap.Error(err))
	}
	return err
}
