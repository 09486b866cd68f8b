package conf

import (
	"fmt"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// Format says in which of the two languages a file is written.
type Format int

// The formats. Auto takes a name that ends in .hcl for HCL, all else for keepalived.conf.
const (
	Auto Format = iota
	HCL
	Keepalived
)

// Options are what a configuration is read with, beside the file itself.
type Options struct {
	// Hostname is the value of HCL's variable hostname and the RouterID where the file names
	// none. It is given, not looked up, so that a file can be read for either node of a pair.
	Hostname string
	// Instance is keepalived's configuration id, with which its @NAME lines are compared; the
	// Hostname up to its first dot where it is empty.
	Instance string
	Format   Format
}

// Result is what a file was found to say.
type Result struct {
	// Config is nil exactly when Diags has errors: a file is taken whole or not at all.
	Config *Config
	// Files are the files that were read, by the names that the ranges in Diags use.
	Files map[string]*hcl.File
	// Diags are all problems found, in the order of the text. Each has a Subject.
	Diags hcl.Diagnostics
}

// Load reads a file with all that it includes, fills in the defaults and validates it. It reads
// files and looks at nothing else on the host.
func Load(path string, o Options) *Result {
	read := newReader()
	src, err := read.Read(path)
	if err != nil {
		start := hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}
		return finish(nil, read.files, hcl.Diagnostics{problem(hcl.DiagError, start, "The configuration cannot be read: %v", err)})
	}
	cfg, diags := load(path, src, o, read)
	return finish(cfg, read.files, diags)
}

// load reads what stands in src, and what it includes by way of from.
func load(path string, src []byte, o Options, from keepalived.Source) (*Config, hcl.Diagnostics) {
	if o.Format == HCL || o.Format == Auto && filepath.Ext(path) == ".hcl" {
		nodes, diags := parseHCL(path, src, o.Hostname)
		cfg, more := decode(nodes, hclFrontEnd(), o.Hostname)
		return cfg, append(diags, more...)
	}
	tree := keepalived.Parse(path, src, keepalived.Options{Source: from, Hostname: o.Hostname, Instance: o.Instance})
	cfg, more := decode(tree.Nodes, keepalivedFrontEnd(), o.Hostname)
	tree.Explain(more)
	return cfg, append(tree.Diags, more...)
}

func finish(cfg *Config, files map[string]*hcl.File, diags hcl.Diagnostics) *Result {
	r := &Result{Config: cfg, Files: files, Diags: tidy(diags)}
	if r.Diags.HasErrors() {
		r.Config = nil
	}
	return r
}

func problem(severity hcl.DiagnosticSeverity, at hcl.Range, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: severity, Summary: fmt.Sprintf(format, args...), Subject: &at}
}
