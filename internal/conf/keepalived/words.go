package keepalived

import "strings"

// block says whether a keyword has a block behind it.
type block uint8

const (
	noBlock block = iota
	mayBlock
	mustBlock
)

// class says what becomes of a keyword.
type class uint8

const (
	// implemented: it is in the tree, and the caller gives it its meaning.
	implemented class = iota
	// agreed: lvsd does what it says without being told.
	agreed
	// ignored: lvsd does without it, which changes nothing about where packets go; a warning.
	ignored
	// refused: to read past it would send packets elsewhere or make two masters; an error.
	refused
)

// keyword is one row of the table of what may stand where.
type keyword struct {
	name    string
	aliases []string
	min     int // argument words, at least
	max     int // argument words, at most
	block   block
	words   []*keyword // what may stand in the block
	index   map[string]*keyword
	// lines says that the block holds plain lines, of at most so many words, in place of words.
	lines int
	// options are words with values of their own that may stand in such a line, or behind the
	// arguments.
	options []*keyword
	// free says that the options may stand anywhere in the line, between words of the caller's.
	free bool
	// script says that the arguments have a shell's quotes, command that they are a command line, which
	// may stand in quotes as a whole.
	script, command bool
	// notify says that the first word is such a command line, and what stands behind it a user and a
	// group, which become the child "user".
	notify bool
	// usage is how to write it, for the error of one who wrote it otherwise.
	usage string
	class class
	// why says what is missing without it and what to do instead.
	why string
	// same are values with which the keyword is agreed; "" is that it stands alone.
	same []string
}

// unbounded is a max for as many words as one likes.
const unbounded = 1 << 20

// word is a keyword by its usage: NAME VALUE [VALUE] … { … }. What stands in brackets may be
// missing, … is as many as one likes.
func word(usage string) *keyword {
	fields := strings.Fields(usage)
	k := &keyword{name: fields[0], usage: usage}
	optional := 0
	for _, f := range fields[1:] {
		switch {
		case f == "{":
			k.block = mustBlock
			return k
		case f == "…", f == "…]":
			k.max = unbounded
			return k
		case optional > 0 || strings.HasPrefix(f, "["):
			k.max++
		default:
			k.min++
			k.max++
		}
		optional += strings.Count(f, "[") - strings.Count(f, "]")
	}
	return k
}

// words are implemented keywords by their usages.
func words(usages ...string) []*keyword {
	all := make([]*keyword, len(usages))
	for i, u := range usages {
		all[i] = word(u)
	}
	return all
}

// known are keywords by their usages that are not implemented, for one reason.
func known(c class, why string, usages ...string) []*keyword {
	all := words(usages...)
	for _, k := range all {
		k.class, k.why = c, why
		if k.block == mustBlock {
			k.lines = unbounded
		}
	}
	return all
}

func ignore(why string, usages ...string) []*keyword { return known(ignored, why, usages...) }

func refuse(why string, usages ...string) []*keyword { return known(refused, why, usages...) }

func agree(usages ...string) []*keyword { return known(agreed, "", usages...) }

// but says that the keywords are agreed with these values.
func but(same []string, keywords []*keyword) []*keyword {
	for _, k := range keywords {
		k.same = same
	}
	return keywords
}

// off are the values of a flag that says no.
func off() []string { return []string{"off", "false", "no"} }

func (k *keyword) alias(aliases ...string) *keyword {
	k.aliases = aliases
	return k
}

// holds gives k a block of these words.
func (k *keyword) holds(lists ...[]*keyword) *keyword {
	k.words = join(lists...)
	k.lines = 0
	if k.block == noBlock {
		k.block = mustBlock
	}
	return k
}

// bare lets k stand without its block.
func (k *keyword) bare() *keyword {
	k.block = mayBlock
	return k
}

// plain gives k a block of lines, of at most so many words before the options.
func (k *keyword) plain(lines int, options ...[]*keyword) *keyword {
	k.block, k.lines, k.options = mustBlock, lines, join(options...)
	return k
}

// anywhere lets the options stand anywhere in a line.
func (k *keyword) anywhere() *keyword {
	k.free = true
	return k
}

func (k *keyword) with(options ...[]*keyword) *keyword {
	k.options = join(options...)
	return k
}

// scripts marks keywords whose arguments have a shell's quotes.
func scripts(keywords []*keyword) []*keyword {
	for _, k := range keywords {
		k.script = true
	}
	return keywords
}

// commands marks keywords whose arguments are a command line that may stand in quotes.
func commands(keywords []*keyword) []*keyword {
	for _, k := range scripts(keywords) {
		k.command = true
	}
	return keywords
}

// notifies marks keywords with a program that is told of something, and whom it runs as.
func notifies(keywords []*keyword) []*keyword {
	for _, k := range scripts(keywords) {
		k.notify = true
	}
	return keywords
}

func join(lists ...[]*keyword) []*keyword {
	var all []*keyword
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// list makes keywords a list.
func list(keywords ...*keyword) []*keyword { return keywords }

// newTable builds the whole table as the keyword whose block is the file.
func newTable() *keyword {
	file := (&keyword{}).holds(globalWords(), trackWords(), instanceWords(), serviceWords())
	file.seal()
	return file
}

// seal makes the index of k and of all below it.
func (k *keyword) seal() {
	if k.index != nil || len(k.words) == 0 {
		return
	}
	k.index = make(map[string]*keyword, len(k.words))
	for _, w := range k.words {
		for _, spelling := range append([]string{w.name}, w.aliases...) {
			k.index[spelling] = w
		}
		w.seal()
	}
}

// find returns the word of k's block that is written so, or nil.
func (k *keyword) find(written string) *keyword { return k.index[written] }

// option returns the option of k that is written so, or nil.
func (k *keyword) option(written string) *keyword {
	for _, o := range k.options {
		if o.name == written {
			return o
		}
		for _, a := range o.aliases {
			if a == written {
				return o
			}
		}
	}
	return nil
}

// spellings are all the ways to write the words of k's block.
func (k *keyword) spellings() []string {
	var all []string
	for _, w := range k.words {
		all = append(append(all, w.name), w.aliases...)
	}
	return all
}

// home returns the name of a block under k in which the word may stand; "" is none.
func (k *keyword) home(written string) string {
	for _, w := range k.words {
		if w.find(written) != nil {
			return w.name
		}
		if home := w.home(written); home != "" {
			return home
		}
	}
	return ""
}
