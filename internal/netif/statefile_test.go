package netif

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const stateOfTwo = `{
  "addresses": [
    {
      "address": "192.0.2.11/24",
      "dev": "eth0"
    },
    {
      "address": "198.51.100.9/24",
      "dev": "eth1"
    }
  ]
}
`

// TestStateFileTroubles: whatever stands in the place of the state file is reported, holds nothing
// up and is replaced.
func TestStateFileTroubles(t *testing.T) {
	write := func(text string) func(string) error {
		return func(file string) error { return os.WriteFile(file, []byte(text), 0o600) }
	}
	for name, c := range map[string]struct {
		make func(file string) error
		says string
	}{
		"cut":              {write(`{"addresses":[{"address":"192.0`), "unexpected EOF"},
		"empty":            {write(""), "EOF"},
		"null":             {write("null"), `no "addresses"`},
		"null addresses":   {write(`{"addresses":null}`), `no "addresses"`},
		"an array":         {write(`[]`), "array"},
		"banana":           {write(`{"addresses":[{"address":"banana","dev":"eth0"}]}`), "banana"},
		"no dev":           {write(`{"addresses":[{"address":"192.0.2.9/24"}]}`), "address 1"},
		"no address":       {write(`{"addresses":[{"address":"192.0.2.9/24","dev":"eth0"},{"dev":"eth0"}]}`), "address 2"},
		"other fields":     {write(`{"addresses":[{"Prefix":"192.0.2.9/24","Dev":"eth0"}]}`), `"Prefix"`},
		"something behind": {write(`{"addresses":[]} {}`), "more than one"},
		"a named pipe":     {func(file string) error { return unix.Mkfifo(file, 0o600) }, "not a regular file"},
		"3 GB of nothing":  {func(file string) error { return errors.Join(write("")(file), os.Truncate(file, 3<<30)) }, "larger than"},
		"a pipe for the next": {func(file string) error {
			return errors.Join(write("")(file), unix.Mkfifo(filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".new"), 0o600))
		}, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "addresses.json")
			if err := c.make(file); err != nil {
				t.Fatal(err)
			}
			k := newFakeKernel(t, "eth0", "eth1")
			r := startApplier(t, Options{Kernel: k, StateFile: file})
			r.Want(1, web(0))
			r.master("web")
			if rep := await(r, func(Trouble) bool { return true }); !strings.Contains(rep.Err.Error(), c.says) {
				t.Errorf("trouble %q, want %q in it", rep.Err, c.says)
			}
			await(r, func(rep Added) bool { return rep.Address == gate })
			r.stop()
			if text, err := os.ReadFile(file); err != nil || string(text) != stateOfTwo {
				t.Errorf("state file %q, %v", text, err)
			}
		})
	}
}

func TestStateFileThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k := newFakeKernel(t, "eth0", "eth1")
	r := startApplier(t, Options{Kernel: k, StateFile: filepath.Join(file, "below")})
	r.Want(1, web(0))
	trouble := await(r, func(Trouble) bool { return true })
	if !errors.Is(trouble.Err, unix.ENOTDIR) {
		t.Errorf("trouble: %v", trouble.Err)
	}
	r.master("web")
	r.settled()
	r.backup("web")
	r.settled()
	r.stop()
	for len(r.reports) > 0 {
		if rep, is := (<-r.reports).(Trouble); is {
			t.Errorf("told again: %v", rep.Err)
		}
	}
}

// TestStateFileRoundTrip: what is written is read as it was.
func TestStateFileRoundTrip(t *testing.T) {
	labelled, scoped := addr("192.0.2.21/32", "eth0"), addr("2001:db8::11/64", "br-lan.7")
	labelled.Label, labelled.Scope = "eth0:vip", 253
	for _, owned := range []map[Address]struct{}{set(), set(vip), set(vip, gate, labelled, scoped)} {
		text, err := formatState(owned, []Route{web6}, []Rule{viaTable})
		if err != nil {
			t.Fatal(err)
		}
		read, err := parseState(text)
		if err != nil || len(read.Addresses) != len(owned) {
			t.Errorf("%s: %v, %v", text, read, err)
		}
		for _, a := range read.Addresses {
			if _, ok := owned[a.address()]; !ok {
				t.Errorf("%s: %v", text, a)
			}
		}
		if len(read.Routes) != 1 || read.Routes[0] != web6 || len(read.Rules) != 1 || read.Rules[0] != viaTable {
			t.Errorf("%s: %v, %v", text, read.Routes, read.Rules)
		}
	}
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(stateOfTwo))
	f.Add([]byte(`{"addresses":[{"address":"::ffff:192.0.2.11/120","dev":"eth0","label":"eth0","scope":255}]}`))
	f.Add([]byte(`{"addresses":[{"address":"fe80::1%eth0/64","dev":"eth0"}]}`))
	f.Add([]byte(`{"addresses":[],"routes":[{"type":1,"to":"10.0.0.0/8","table":254,"protocol":18,"nexthops":"nexthop via 192.0.2.1 weight 2"}],"rules":[{"family":4,"priority":9,"from":"10.0.0.0/8","action":1,"table":5,"protocol":18,"sport":{"first":1,"last":2}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseState(text)
		if err != nil {
			return
		}
		owned := set()
		for _, a := range s.Addresses {
			owned[a.address()] = struct{}{}
		}
		again, err := formatState(owned, s.Routes, s.Rules)
		if err != nil {
			t.Fatal(err)
		}
		read, err := parseState(again)
		if err != nil || len(read.Addresses) != len(owned) || !slices.Equal(read.Routes, s.Routes) || !slices.Equal(read.Rules, s.Rules) {
			t.Errorf("%q is written as %q and read as %v, %v", text, again, read, err)
		}
	})
}
