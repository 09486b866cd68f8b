package conf

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// LoadText is Load for a text that stands in no file. It reads no file; includes are refused.
func LoadText(name string, src []byte, o Options) *Result {
	cfg, diags := load([]source{{name, src}}, o, nil)
	return finish(cfg, map[string]*hcl.File{name: {Bytes: src}}, diags, nil)
}

// ReadFile returns the bytes of a regular file of at most the size that Load takes. It never
// waits, not even for a FIFO.
func ReadFile(path string) ([]byte, error) { return newReader().Read(path) }

// SyntaxHCL reports what keeps a text from being HCL, whatever its words are. Result.Config stays
// nil.
func SyntaxHCL(name string, src []byte) *Result {
	files := map[string]*hcl.File{name: {Bytes: src}}
	tokens, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos)
	if diags := outOfBounds(tokens); diags.HasErrors() {
		return finish(nil, files, diags, nil)
	}
	bare := bareLabels(src, tokens)
	_, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	return finish(nil, files, append(bare, elsewhere(diags, bare)...), nil)
}
