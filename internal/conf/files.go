package conf

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// isHCL says in which of the two languages a file is read.
func (o Options) isHCL(path string) bool {
	return o.Format == HCL || o.Format == Auto && filepath.Ext(path) == ".hcl"
}

// sources reads the files of one configuration: path and those of o.Also.
func (o Options) sources(path string, read *reader) ([]source, hcl.Diagnostics) {
	var all []source
	var diags hcl.Diagnostics
	fail := func(path, format string, args ...any) {
		start := hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}
		diags = append(diags, problem(hcl.DiagError, start, format, args...))
	}
	for _, named := range append([]string{path}, o.Also...) {
		paths := []string{named}
		if info, err := os.Stat(named); err == nil && info.IsDir() && o.Format != Keepalived {
			if paths, err = HCLFiles(named); err != nil {
				fail(named, "The configuration cannot be read: %v", err)
				continue
			}
		}
		for _, path := range paths {
			if read.files[path] != nil {
				fail(path, "This file is named twice; name it once")
				continue
			}
			switch src, err := read.Read(path); {
			case err != nil:
				fail(path, "The configuration cannot be read: %v", err)
			case len(o.Also) > 0 && !o.isHCL(path):
				fail(path, "Several files are one configuration in HCL only; let one keepalived.conf include the others")
			default:
				all = append(all, source{path, src})
			}
		}
	}
	return all, diags
}

var errNoHCL = errors.New("no file in this directory has a name that ends in .hcl; name a file")

// HCLFiles are the files in a directory whose names end in .hcl, sorted. Hidden ones, which begin
// with a dot, are left out: editors and configuration mounts have copies there.
func HCLFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, plain(err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) == ".hcl" && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, errNoHCL
	}
	return files, nil
}
