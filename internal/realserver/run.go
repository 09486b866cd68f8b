package realserver

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"lvsd/internal/conf"
)

// Kernel is the host as this package changes it.
type Kernel interface {
	// Read reads the host, with the settings that are named.
	Read(settings []string) (Host, error)
	// Do carries out a step.
	Do(Step) error
}

// Job is a host, with the file that remembers what was set up on it.
type Job struct {
	Kernel    Kernel
	StateFile string
	// Told is called after each step that was carried out.
	Told func(Step)
}

// Standing is how a host stands to what a configuration wants of it.
type Standing struct {
	Found
	// Lacks has what each of the Items lacks, "" for nothing.
	Lacks []string
}

// Complete tells whether nothing is missing.
func (s Standing) Complete() bool {
	return !slices.ContainsFunc(s.Lacks, func(lack string) bool { return lack != "" })
}

// Status compares the host with a configuration and changes nothing. The error is of a host that is no
// server there, too.
func (j Job) Status(cfg *conf.Config) (Standing, error) {
	found, host, err := j.find(cfg, Memory{})
	if err != nil {
		return Standing{}, err
	}
	if len(found.Servers) == 0 {
		return Standing{}, notHere(cfg, host)
	}
	s := Standing{Found: found}
	for _, i := range found.Items {
		s.Lacks = append(s.Lacks, i.Lacks(host))
	}
	return s, nil
}

// Up sets the host up as a configuration wants it, and takes down what an earlier one wanted and this one
// does not. A host that is no server there, and never was, is an error. It ends with the first step that fails: an address without the settings before it does harm.
// With force the default route to a V-gate goes in front of another one; without it that is an error, and nothing is changed.
func (j Job) Up(cfg *conf.Config, force bool) (Found, error) {
	m, err := load(j.StateFile)
	if err != nil {
		return Found{}, err
	}
	found, host, err := j.find(cfg, m)
	if err != nil {
		return Found{}, err
	}
	if len(found.Servers) == 0 && len(m.list()) == 0 {
		return Found{}, notHere(cfg, host)
	}
	steps, after := Plan(found.Items, host, m)
	for _, s := range steps {
		if s.Before != nil && !force {
			return Found{}, fmt.Errorf("add %s: there is %s, which is left as it is and would no longer be used; with --force it is done", s.Item, s.Before)
		}
	}
	return found, j.carryOut(steps, m, after)
}

// Down takes down what Up has set up. Where nothing is remembered of that, and cfg is not nil, it takes down
// what cfg would have set up apart from settings, whose values before are not known.
func (j Job) Down(cfg *conf.Config) error {
	m, err := load(j.StateFile)
	if err != nil {
		return err
	}
	if len(m.list()) == 0 && cfg != nil {
		found, _, err := j.find(cfg, m)
		if err != nil {
			return err
		}
		for _, i := range found.Items {
			if _, is := i.(Setting); !is {
				m = m.and(remember([]remembered{{item: i}}))
			}
		}
	}
	_, host, err := j.find(&conf.Config{}, m)
	if err != nil {
		return err
	}
	steps, after := Plan(nil, host, m)
	return j.carryOut(steps, m, after)
}

// find reads the host and finds out what it needs, and what of its settings is remembered.
func (j Job) find(cfg *conf.Config, m Memory) (Found, Host, error) {
	host, err := j.Kernel.Read(nil)
	if err != nil {
		return Found{}, Host{}, err
	}
	found := Find(cfg, host)
	names := map[string]bool{}
	for _, i := range found.Items {
		if s, is := i.(Setting); is {
			names[s.Name] = true
		}
	}
	for _, s := range m.Settings {
		names[s.Name] = true
	}
	if len(names) > 0 {
		host, err = j.Kernel.Read(slices.Sorted(maps.Keys(names)))
	}
	return found, host, err
}

// carryOut does the steps. What they set up is remembered before them: a crash between leaves nothing that
// nobody knows of.
func (j Job) carryOut(steps []Step, before, after Memory) error {
	if len(steps) > 0 {
		if err := before.and(after).save(j.StateFile); err != nil {
			return err
		}
	}
	for _, s := range steps {
		if err := j.Kernel.Do(s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		j.Told(s)
	}
	if reflect.DeepEqual(before, after) {
		return nil
	}
	return after.save(j.StateFile)
}

// notHere says that a host is no real server of a configuration.
func notHere(cfg *conf.Config, h Host) error {
	var here, there once[string]
	for _, a := range slices.SortedFunc(maps.Keys(h.Addresses), compareAddress) {
		if !a.IP.IsLoopback() && !a.IP.IsLinkLocalUnicast() {
			here.add(a.IP.String())
		}
	}
	for i := range cfg.Services {
		for _, r := range cfg.Services[i].RealServers {
			there.add(r.Address.Addr().String())
		}
	}
	return fmt.Errorf("this host is none of the real servers: it has the addresses %s, they have %s", few(here.list), few(there.list))
}

// few writes a list that may be long.
func few(list []string) string {
	const most = 10
	switch n := len(list); {
	case n == 0:
		return "none"
	case n > most:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), n-most)
	}
	return strings.Join(list, ", ")
}
