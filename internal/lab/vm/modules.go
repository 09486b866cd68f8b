package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// earlyModules reach the host's file system and the output port; they travel in the initramfs.
var earlyModules = []string{"virtio_pci", "virtio_console", "virtio_rng", "9pnet_virtio", "9p", "overlay"}

// lateModules are loaded before the program runs, so that no program has to. What is not here can still be loaded with modprobe.
var lateModules = []string{
	"ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_lc", "ip_vs_wlc", "ip_vs_sh", "ip_vs_mh", "ip_vs_dh", "ip_vs_sed", "ip_vs_nq",
	"veth", "bridge", "dummy", "macvlan", "ipip", "ip6_tunnel", "af_packet", "nf_tables", "nf_conntrack", "sch_netem",
}

// moduleFiles returns the files of the named modules and of those they need, in load order, relative to dir.
func moduleFiles(dir string, names []string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return nil, fmt.Errorf("read the module list: %w", err)
	}
	needs, files := map[string][]string{}, map[string]string{}
	for line := range strings.Lines(string(b)) {
		file, deps, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		needs[file] = strings.Fields(deps)
		name, _, _ := strings.Cut(filepath.Base(file), ".ko")
		files[strings.ReplaceAll(name, "-", "_")] = file
	}
	builtin, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, fmt.Errorf("read the list of built-in modules: %w", err)
	}
	var order []string
	seen := map[string]bool{}
	var add func(string)
	add = func(file string) {
		if seen[file] {
			return
		}
		seen[file] = true
		for i := len(needs[file]) - 1; i >= 0; i-- { // modules.dep names the innermost last
			add(needs[file][i])
		}
		order = append(order, file)
	}
	for _, name := range names {
		switch file, ok := files[name]; {
		case ok:
			add(file)
		case !strings.Contains(string(builtin), "/"+name+".ko"):
			return nil, fmt.Errorf("this kernel has no module %s", name)
		}
	}
	return order, nil
}
