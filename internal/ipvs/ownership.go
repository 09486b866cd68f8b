package ipvs

import (
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

// ownership is the set of services that are ours: wanted now, or wanted before and still in the
// kernel. The state file holds it across runs.
type ownership struct {
	file string // empty for none
	keys map[ServiceKey]bool
	// absent are those of keys that are neither wanted nor were in the kernel's table, with the number of the reading that
	// first lacked them; 0 where the kernel has said so itself.
	absent map[ServiceKey]int
	// timeouts are what they were before us, those that we changed.
	timeouts Timeouts
	// daemons says that the sync daemons are ours.
	daemons bool
	saved   *ownership // what the file holds, without the keys; nil when that is not known
	changed bool       // the file has other keys
	err     error      // of reading, until it is reported
	told    string     // the error of writing that was reported last
}

// stateFile is the layout of the state file.
type stateFile struct {
	Services []stateService `json:"services"`
	// Timeouts are those that IPVS had before, in seconds; 0 for one that we left alone.
	Timeouts *Timeouts `json:"timeouts,omitempty"`
	Daemons  bool      `json:"sync_daemons,omitempty"`
}

type stateService struct {
	Family   uint8      `json:"family"`
	Protocol uint8      `json:"protocol,omitempty"`
	Address  netip.Addr `json:"address,omitzero"`
	Port     uint16     `json:"port,omitempty"`
	FWMark   uint32     `json:"fwmark,omitempty"`
}

// loadOwnership reads the state file. A file that cannot be read counts as an empty one, and
// the next save reports it.
func loadOwnership(file string) ownership {
	o := ownership{file: file, keys: map[ServiceKey]bool{}, absent: map[ServiceKey]int{}}
	if file == "" {
		return o
	}
	b, err := readState(file)
	if errors.Is(err, fs.ErrNotExist) {
		return o
	}
	var read ownership
	if err == nil {
		read, err = parseState(b)
	}
	if err != nil {
		o.err = fmt.Errorf("read the state file %s, services of an earlier run are taken for foreign: %w", file, err)
		return o
	}
	o.keys, o.timeouts, o.daemons = read.keys, read.timeouts, read.daemons
	o.noteSaved()
	return o
}

// noteSaved notes that the file holds what there is.
func (o *ownership) noteSaved() {
	o.saved, o.changed = &ownership{timeouts: o.timeouts, daemons: o.daemons}, false
}

// unsaved says whether the file holds something else than there is. One that holds nothing need not be there.
func (o *ownership) unsaved() bool {
	if o.saved == nil {
		return len(o.keys) > 0 || o.timeouts != (Timeouts{}) || o.daemons
	}
	return o.changed || o.timeouts != o.saved.timeouts || o.daemons != o.saved.daemons
}

// own makes a service ours.
func (o *ownership) own(key ServiceKey) {
	if !o.keys[key] {
		o.keys[key], o.changed = true, true
	}
}

// maxState bounds the state file, in bytes: some 100,000 services.
const maxState = 16 << 20

// readState reads a regular file, and waits for nothing else that may be in its place.
func readState(file string) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > maxState:
		return nil, fmt.Errorf("it has more than %d MiB", maxState>>20)
	}
	return io.ReadAll(io.LimitReader(f, maxState))
}

func parseState(b []byte) (ownership, error) {
	var state stateFile
	if err := json.Unmarshal(b, &state); err != nil {
		return ownership{}, err
	}
	o := ownership{keys: make(map[ServiceKey]bool, len(state.Services)), daemons: state.Daemons}
	if state.Timeouts != nil {
		o.timeouts = *state.Timeouts
	}
	for i, s := range state.Services {
		key := ServiceKey{Family: s.Family, Protocol: s.Protocol, Addr: s.Address, Port: s.Port, FWMark: s.FWMark}
		if err := key.check(); err != nil {
			return ownership{}, fmt.Errorf("service %d: %w", i+1, err)
		}
		o.keys[key] = true
	}
	return o, nil
}

func formatState(o *ownership) ([]byte, error) {
	state := stateFile{Services: []stateService{}, Daemons: o.daemons}
	if o.timeouts != (Timeouts{}) {
		state.Timeouts = &o.timeouts
	}
	for _, key := range slices.SortedFunc(maps.Keys(o.keys), ServiceKey.Compare) {
		state.Services = append(state.Services, stateService{
			Family: key.Family, Protocol: key.Protocol, Address: key.Addr, Port: key.Port, FWMark: key.FWMark,
		})
	}
	b, err := json.MarshalIndent(state, "", "  ")
	return append(b, '\n'), err
}

// claim makes every service of a wanted table ours; all of the one that was wanted before are.
func (o *ownership) claim(before, want Wanted) {
	for key := range Different(before, want) {
		if _, wanted := want.Get(key); wanted {
			o.own(key)
		}
	}
}

// disown makes a service that the kernel has no more ours no longer.
func (o *ownership) disown(key ServiceKey) {
	delete(o.keys, key)
	o.changed = true
}

// forget drops the services that are neither wanted nor in the kernel's table any more, by two readings: one may lack a
// service because somebody deleted another one meanwhile. All that is wanted is ours by now.
func (o *ownership) forget(want Wanted, have Table, reading int) {
	if len(o.keys) == want.Len() {
		clear(o.absent)
		return
	}
	for key := range o.keys {
		_, wanted := want.Get(key)
		_, there := have[key]
		first, lacked := o.absent[key]
		switch {
		case wanted || there:
			delete(o.absent, key)
		case !lacked:
			o.absent[key] = reading
		case reading > first:
			delete(o.absent, key)
			o.disown(key)
		}
	}
}

// claimSettings makes ours what is wanted of the settings, and notes the timeouts that the kernel
// had before.
func (o *ownership) claimSettings(want, have Settings) {
	o.daemons = o.daemons || want.Sender.Interface != "" || want.Receiver.Interface != ""
	note := func(wanted, there uint32, before *uint32) {
		if wanted != 0 && *before == 0 {
			*before = there
		}
	}
	note(want.Timeouts.TCP, have.Timeouts.TCP, &o.timeouts.TCP)
	note(want.Timeouts.TCPFin, have.Timeouts.TCPFin, &o.timeouts.TCPFin)
	note(want.Timeouts.UDP, have.Timeouts.UDP, &o.timeouts.UDP)
}

// forgetSettings drops what nobody wants any more, and the kernel has as it was before.
func (o *ownership) forgetSettings(want, have Settings) {
	if want.Sender.Interface == "" && want.Receiver.Interface == "" && have.Sender.Interface == "" && have.Receiver.Interface == "" {
		o.daemons = false
	}
	drop := func(wanted, there uint32, before *uint32) {
		if wanted == 0 && there == *before {
			*before = 0
		}
	}
	drop(want.Timeouts.TCP, have.Timeouts.TCP, &o.timeouts.TCP)
	drop(want.Timeouts.TCPFin, have.Timeouts.TCPFin, &o.timeouts.TCPFin)
	drop(want.Timeouts.UDP, have.Timeouts.UDP, &o.timeouts.UDP)
}

// save writes the state file if it does not say the same already. It returns an error that it
// did not return before.
func (o *ownership) save() error {
	err := o.err
	o.err = nil
	if o.file == "" || !o.unsaved() {
		return err
	}
	if werr := o.write(); werr != nil {
		if werr.Error() != o.told {
			o.told = werr.Error()
			err = errors.Join(err, fmt.Errorf("write the state file %s, a restart will take our services for foreign: %w", o.file, werr))
		}
		return err
	}
	o.noteSaved()
	o.told = ""
	return err
}

// write replaces the file in one step. It is not synced to the disk: what it says is true for
// this boot only, as is the kernel's table.
func (o *ownership) write() error {
	b, err := formatState(o)
	if err != nil {
		return err
	}
	return replace.Bytes(o.file, b)
}
