package conf

// Form is how a word of keepalived's is written in HCL.
type Form int

// The forms.
const (
	Value     Form = iota + 1 // name = VALUE
	Arguments                 // name = VALUE or [VALUE, …]: the words behind the keyword
	Command                   // name = "COMMAND …": a command line
	Lines                     // name = [LINE, …]: the lines of a block
	Line                      // name "LABEL" { … }: a block for each line, with its options
	Block                     // name "LABEL" … { … }
)

// Place is a word in the block that it stands in, both by their first names; Block is empty for
// what stands outside of all blocks.
type Place struct{ Block, Word string }

// Shape is the form of a word with what has to be known to write it.
type Shape struct {
	Form   Form
	Labels int // of a Block
	// First is the key of the first word where a line is written as an object; it is empty where a
	// line is one word.
	First string
	// Options are those of a line that have one word behind them, Lists those that may have several,
	// Flags those that have none.
	Options, Lists, Flags []string
	// Free says that a line has no first word of its own; it is best written as a string.
	Free bool
}

// HCLShapes returns the shape of every word that HCL has. What stands in several blocks of one
// name has one shape in all of them.
func HCLShapes() map[Place]Shape {
	shapes := map[Place]Shape{}
	var walk func(name string, b *hclBlock)
	walk = func(name string, b *hclBlock) {
		put := func(words []string, s Shape) {
			for _, w := range words {
				shapes[Place{name, canonical(w)}] = s
			}
		}
		put(b.values, Shape{Form: Value})
		put(b.args, Shape{Form: Arguments})
		put(b.scripts, Shape{Form: Command})
		for _, l := range b.lines {
			put([]string{l.name}, Shape{Form: Lines, First: l.first, Options: l.options, Lists: l.lists, Flags: l.flags, Free: l.free})
		}
		for _, c := range b.blocks {
			if c.block.line {
				put([]string{c.name}, Shape{Form: Line, Options: c.block.values, Lists: c.block.args, Flags: c.block.flags})
				continue
			}
			put([]string{c.name}, Shape{Form: Block, Labels: len(c.block.labels)})
			walk(canonical(c.name), c.block)
		}
	}
	walk("", hclFile())
	return shapes
}
