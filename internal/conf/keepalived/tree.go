// Package keepalived reads keepalived.conf into a tree of words and blocks.
//
// It knows which keyword may stand where and how many words and what block each takes; what the
// words mean is for the caller. Nothing is dropped in silence: what keepalived ignores or takes
// for something else is an error here, with its position. The grammar is that of
// keepalived.conf(5).
package keepalived

import "github.com/hashicorp/hcl/v2"

// Word is one word of a line, without its quotes.
type Word struct {
	Text  string
	Range hcl.Range
}

// Node is one statement: a keyword, its arguments, and the block behind it if it has one. In a
// block of plain lines, such as virtual_ipaddress, Keyword is the first word of the line.
type Node struct {
	// Name is the keyword that Keyword stands for: lb_algo where lvs_sched is written. It is
	// empty for a plain line.
	Name     string
	Keyword  Word
	Args     []Word
	Block    bool // a block is written, even an empty one
	Children []*Node
	// Broken says that an error about the arguments is reported already.
	Broken bool
	// Range covers the keyword and the arguments, not the block.
	Range hcl.Range
	// Lead are the comments on the lines before the statement, Trail is the one behind it on
	// its line, and Tail are those before the closing brace of its block.
	Lead  []Comment
	Trail *Comment
	Tail  []Comment
}

// Comment is one comment, from its # or ! to the end of the line.
type Comment struct {
	Text  string
	Range hcl.Range
}
