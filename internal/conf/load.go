package conf

import (
	"fmt"

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
	// Also are more files or directories that are one configuration together with the file. All of
	// them are HCL then.
	Also []string
}

// Result is what a file was found to say.
type Result struct {
	// Config is nil exactly when Diags has errors: a file is taken whole or not at all.
	Config *Config
	// Files are the files that were read, by the names that the ranges in Diags use.
	Files map[string]*hcl.File
	// Diags are all problems found, in the order of the text. Each has a Subject.
	Diags hcl.Diagnostics
	// Seal tells whether the files are still as they were.
	Seal Seal
}

// Load reads a file with all that it includes, fills in the defaults and validates it. A directory
// stands for the files in it whose names end in .hcl. It reads files, and variables of the
// environment that they name, and looks at nothing else on the host.
func Load(path string, o Options) *Result {
	read := newReader()
	sources, diags := o.sources(path, read)
	if diags.HasErrors() {
		return finish(nil, read.files, diags, sources)
	}
	cfg, diags := load(sources, o, read)
	r := finish(cfg, read.files, diags, sources)
	r.Seal = seal(r, sources, !read.named)
	return r
}

// source is the text of a file.
type source struct {
	path string
	src  []byte
}

// load reads what stands in sources, and what they name by way of from, which is nil where no file
// may be read. More than one are HCL.
func load(sources []source, o Options, from *reader) (*Config, hcl.Diagnostics) {
	if o.isHCL(sources[0].path) {
		nodes, diags := parseHCL(sources, o.Hostname, from)
		cfg, more := decode(nodes, hclFrontEnd(), o.Hostname, from)
		return cfg, orNothing(append(diags, more...), nodes, sources[0])
	}
	options := keepalived.Options{Hostname: o.Hostname, Instance: o.Instance}
	if from != nil {
		options.Source = from
	}
	tree := keepalived.Parse(sources[0].path, sources[0].src, options)
	if from != nil {
		from.named = from.named || tree.Includes
	}
	cfg, more := decode(tree.Nodes, keepalivedFrontEnd(), o.Hostname, from)
	tree.Explain(more)
	return cfg, orNothing(append(tree.Diags, more...), tree.Nodes, sources[0])
}

// orNothing adds a warning where a configuration has no statement and no problem: it may be a file
// that was cut off, and a reload would take everything away.
func orNothing(diags hcl.Diagnostics, nodes []*keepalived.Node, first source) hcl.Diagnostics {
	if len(nodes)+len(diags) > 0 {
		return diags
	}
	start := hcl.Range{Filename: first.path, Start: hcl.InitialPos, End: hcl.InitialPos}
	return hcl.Diagnostics{problem(hcl.DiagWarning, start, "This configuration says nothing: lvsd does nothing with it; see whether the file is whole")}
}

func finish(cfg *Config, files map[string]*hcl.File, diags hcl.Diagnostics, sources []source) *Result {
	r := &Result{Config: cfg, Files: files, Diags: tidy(diags, sources)}
	if r.Diags.HasErrors() {
		r.Config = nil
	}
	return r
}

func problem(severity hcl.DiagnosticSeverity, at hcl.Range, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: severity, Summary: fmt.Sprintf(format, args...), Subject: &at}
}
