package convert

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf"
	"lvsd/internal/conf/keepalived"
)

// keepalived converts one keepalived.conf with all that it includes.
func (j *job) keepalived(path string) {
	options := conf.Options{Hostname: j.options.Hostname, Instance: j.options.Instance, Format: conf.Keepalived}
	loaded := conf.Load(path, options)
	for name, f := range loaded.Files {
		j.result.Files[name] = f
	}
	if loaded.Config == nil {
		j.result.Diags = append(j.result.Diags, loaded.Diags...)
		return
	}
	gone := map[position]bool{}
	for _, d := range loaded.Diags {
		ignored, ok := d.Extra.(keepalived.Ignored)
		if !ok {
			j.report.add(Mistake, *d.Subject, "", "%s", d.Summary)
			continue
		}
		for _, at := range ignored.Places {
			j.report.add(Ignored, at, ignored.Word, "%s", ignored.Why)
			gone[position{at.Filename, at.Start.Line}] = true
		}
	}
	src := loaded.Files[path].Bytes
	parsed := keepalived.Parse(path, src, keepalived.Options{Source: readFiles(loaded.Files), Hostname: j.options.Hostname, Instance: j.options.Instance})
	if parsed.Diags.HasErrors() {
		// The parser said otherwise a moment ago: a file was changed meanwhile.
		j.result.Diags = append(j.result.Diags, parsed.Diags...)
		return
	}
	remaining(parsed.Nodes, gone)
	k := &tree{
		shapes: conf.HCLShapes(), usages: keepalived.Usages(),
		sources: newSources(loaded.Files), main: path, usual: hclDefaults(), report: &j.report,
		instances: loaded.Config.Instances, services: loaded.Config.Services, ignored: gone,
		static: standing{loaded.Config.StaticAddresses, loaded.Config.StaticRoutes, loaded.Config.StaticRules},
	}
	j.conditions(k.sources)
	out := k.file(parsed.Nodes)
	j.verify(path, &out, loaded.Config)
	j.append(out)
}

// remaining takes out of the lines with words that are left out those on which other words stay.
func remaining(nodes []*keepalived.Node, gone map[position]bool) {
	for _, n := range nodes {
		delete(gone, position{n.Range.Filename, n.Range.Start.Line})
		remaining(n.Children, gone)
	}
}

// conditions reports the lines of a keepalived.conf that are for one node.
func (j *job) conditions(s sources) {
	node, option := j.options.Hostname, "--hostname"
	if j.options.Instance != "" {
		node, option = j.options.Instance, "-i"
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		for n := range s[name] {
			text, _, _ := strings.Cut(string(s.line(name, n+1)), " ")
			if !strings.HasPrefix(text, "@") || len(text) < 2 {
				continue
			}
			pos := hcl.Pos{Line: n + 1, Column: 1}
			j.report.add(Different, hcl.Range{Filename: name, Start: pos, End: pos}, text,
				"the line is resolved for %s; convert with %s for the other node, and use the variable hostname where the two differ", node, option)
		}
	}
}

// append puts the parts of another file behind those that are there.
func (j *job) append(out body) {
	if len(j.out.items) > 0 && len(out.items) > 0 {
		first := out.items[0]
		first.lead = append(j.out.tail, first.lead...)
		j.out.tail = nil
	}
	j.out.items = append(j.out.items, out.items...)
	j.out.tail = append(j.out.tail, out.tail...)
}

// verify holds what is written for a file to what the file says.
func (j *job) verify(path string, out *body, want *conf.Config) {
	loaded := conf.LoadText(Output, out.bytes(), conf.Options{Hostname: j.options.Hostname, Format: conf.HCL})
	if loaded.Config == nil {
		for _, d := range loaded.Diags {
			if d.Severity == hcl.DiagError {
				j.result.Files[Output] = loaded.Files[Output]
				j.result.Diags = append(j.result.Diags, d)
			}
		}
		return
	}
	if d := difference(reflect.ValueOf(want), reflect.ValueOf(loaded.Config), "config"); d != "" {
		j.errorf(start(path), "This file has no conversion that means the same (%s); please report it with the file", d)
	}
}

// readFiles gives the parser the files as they were read once.
type readFiles map[string]*hcl.File

func (r readFiles) Read(path string) ([]byte, error) {
	if f := r[path]; f != nil {
		return f.Bytes, nil
	}
	return nil, errors.New("it was not there a moment ago")
}
