package conf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// functions are those of one file: what they read, it names. Unlike all others they ask the host.
func (w *hclWalk) functions(path string) map[string]function.Function {
	text := func(param string, read func(string) (string, error)) function.Function {
		return function.New(&function.Spec{
			Params: []function.Parameter{{Name: param, Type: cty.String}},
			Type:   function.StaticReturnType(cty.String),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				v, err := read(args[0].AsString())
				return cty.StringVal(v), err
			},
		})
	}
	return map[string]function.Function{
		"env":  text("name", environment),
		"file": text("path", func(name string) (string, error) { return w.contents(path, name) }),
	}
}

// environment is the value of a variable. One that is not set is an error and not "": a service
// would stand at the address "".
func environment(name string) (string, error) {
	v, ok := os.LookupEnv(name)
	switch {
	case !ok:
		return "", fmt.Errorf("the environment has no variable %q; set it, or write try(env(%q), \"…\")", name, name)
	case !utf8.ValidString(v):
		return "", fmt.Errorf("the variable %q of the environment is not UTF-8", name)
	}
	return v, nil
}

var errNoFiles = errors.New("this configuration stands in no file, and reads none")

// contents is the text of a file, whose path is relative to that of the file which names it.
func (w *hclWalk) contents(from, name string) (string, error) {
	if w.from == nil {
		return "", errNoFiles
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(from), name)
	}
	src, err := w.from.once(name)
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s: %w", name, err)
	case len(src) > maxString:
		return "", fmt.Errorf("%s is too large: a string has at most %d bytes", name, maxString)
	case !utf8.Valid(src):
		return "", fmt.Errorf("%s is not UTF-8", name)
	}
	return string(src), nil
}
