// Package convert writes what other programs' configurations say as a configuration of lvsd in
// HCL: keepalived.conf, heartbeat's haresources, ha.cf and authkeys, and the rules of ipvsadm.
//
// What it writes means what its input meant, reads as if written by hand, and is formatted.
// Beside it stands a report of what became of every word.
package convert

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf"
)

// Output is the name of the converted file in positions of diagnostics.
const Output = "lvsd.hcl"

// Options are what files are converted with.
type Options struct {
	// Hostname is the node that conditions of a keepalived.conf are resolved for, by Instance where
	// that is not empty: keepalived's option -i.
	Hostname, Instance string
}

// Result is what files were converted to.
type Result struct {
	// HCL is the converted file; nil exactly when Diags has errors.
	HCL []byte
	// Notes are what became of each word, in the order of the files.
	Notes []Note
	// Files are the files that were read, by the names that the ranges in Diags use.
	Files map[string]*hcl.File
	Diags hcl.Diagnostics
}

// Files converts several files to one: each of them says a part of what the one says.
func Files(paths []string, o Options) *Result {
	j := &job{options: o, result: &Result{Files: map[string]*hcl.File{}}}
	for _, path := range paths {
		j.read(path)
	}
	if !j.result.Diags.HasErrors() {
		j.finish()
	}
	j.result.Notes = j.report.notes
	if j.result.Diags.HasErrors() {
		j.result.HCL = nil
	}
	return j.result
}

// job is the conversion of the files of one call.
type job struct {
	options Options
	result  *Result
	report  report
	// out is what keepalived's files say so far.
	out       body
	cluster   cluster
	ipvs      []*ipvsService
	ipvsFiles bool
}

func (j *job) errorf(at hcl.Range, format string, args ...any) {
	j.result.Diags = append(j.result.Diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: fmt.Sprintf(format, args...), Subject: &at})
}

func (j *job) read(path string) {
	if j.result.Files[path] != nil {
		j.errorf(start(path), "This file is named twice; name it once")
		return
	}
	src, err := conf.ReadFile(path)
	if err != nil {
		j.errorf(start(path), "The configuration cannot be read: %v", err)
		return
	}
	j.result.Files[path] = &hcl.File{Bytes: src}
	switch recognize(path, src) {
	case hclFile:
		j.errorf(start(path), "This file is HCL already; name a keepalived.conf, a file of heartbeat or rules of ipvsadm")
	case keepalivedFile:
		j.keepalived(path)
	case haresourcesFile:
		j.haresources(scan(path, src))
	case haCfFile:
		j.haCf(scan(path, src))
	case authkeysFile:
		j.authkeys(scan(path, src))
	case ipvsFile:
		j.ipvsFiles = true
		j.ipvsRules(scan(path, src))
	}
}

func start(path string) hcl.Range {
	return hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}
}

// fileKind is the program whose file it is.
type fileKind int

const (
	keepalivedFile fileKind = iota
	hclFile
	haresourcesFile
	haCfFile
	authkeysFile
	ipvsFile
)

// recognize tells a file by its name, else by the first line that says something.
func recognize(path string, src []byte) fileKind {
	switch filepath.Base(path) {
	case "haresources":
		return haresourcesFile
	case "ha.cf":
		return haCfFile
	case "authkeys":
		return authkeysFile
	case "keepalived.conf":
		return keepalivedFile
	}
	if filepath.Ext(path) == ".hcl" {
		return hclFile
	}
	for line := range strings.Lines(string(src)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		return recognizeLine(words)
	}
	return keepalivedFile
}

func recognizeLine(words []string) fileKind {
	switch program := filepath.Base(words[0]); {
	case program == "ipvsadm", program == "ipchains", program == "iptables", program == "ipfwadm",
		program == "echo", program == "-A", program == "-a", program == "-C", strings.HasPrefix(words[0], "--"):
		return ipvsFile
	}
	if len(words) == 2 {
		switch words[0] {
		case "auth":
			return authkeysFile
		case "keepalive", "deadtime", "warntime", "initdead", "node", "udp", "udpport", "bcast", "logfile", "logfacility", "debugfile":
			return haCfFile
		}
	}
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "IPaddr::") || strings.HasPrefix(w, "IPaddr2::") {
			return haresourcesFile
		}
	}
	return keepalivedFile
}

// finish puts the parts together and holds the whole to what check says of it.
func (j *job) finish() {
	whole := j.instances()
	j.mergeServices()
	whole.items = append(whole.items, j.out.items...)
	whole.tail = j.out.tail
	text := whole.bytes()
	loaded := conf.LoadText(Output, text, conf.Options{Hostname: j.options.Hostname, Format: conf.HCL})
	for _, d := range loaded.Diags {
		if d.Severity == hcl.DiagError {
			j.result.Files[Output] = loaded.Files[Output]
			j.result.Diags = append(j.result.Diags, d)
		}
	}
	j.result.HCL = text
}

// difference names the first thing in which two models differ, apart from the places of their
// statements; "" is that they are equal.
func difference(a, b reflect.Value, name string) string {
	if a.Type() == reflect.TypeFor[hcl.Range]() {
		return ""
	}
	switch a.Kind() {
	case reflect.Struct:
		if a.Type().PkgPath() == "net/netip" {
			break
		}
		for k := range a.NumField() {
			if d := difference(a.Field(k), b.Field(k), name+"."+a.Type().Field(k).Name); d != "" {
				return d
			}
		}
		return ""
	case reflect.Slice:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %d, %d", name, a.Len(), b.Len())
		}
		for k := range a.Len() {
			if d := difference(a.Index(k), b.Index(k), fmt.Sprintf("%s[%d]", name, k)); d != "" {
				return d
			}
		}
		return ""
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() && b.IsNil() {
				return ""
			}
			return name
		}
		return difference(a.Elem(), b.Elem(), name)
	}
	if !a.Equal(b) {
		return fmt.Sprintf("%s: %v, %v", name, a, b)
	}
	return ""
}
