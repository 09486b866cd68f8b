package track

import (
	"strconv"
	"strings"
)

// File is a file with a number in it. It is always up: what its value does is for who depends on it.
// A file that is not there has the value 0.
type File struct {
	Path string
	// Init has the file made with InitValue in it, where it is not there; with Overwrite in any case,
	// when lvsd begins to look at it.
	Init, Overwrite bool
	InitValue       int
}

// String returns the path.
func (f File) String() string { return "file " + f.Path }

func (f File) subject() any { return f.Path }

// maxFile is how much of a file is looked at, in bytes.
const maxFile = 128

// maxValue bounds a file's value in both directions.
const maxValue = 1<<31 - 1

// value is the number that a text begins with, 0 where it begins with none. What is larger than
// maxValue counts as that.
func value(text string) int {
	text = strings.TrimLeft(text, " \t\r\n\v\f")
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[0] == '-' || text[0] == '+')) {
		end++
	}
	v, err := strconv.ParseInt(text[:end], 10, 64)
	if err != nil && v == 0 { // no digits; what is out of range comes with the end of the range
		return 0
	}
	return int(min(max(v, -maxValue), maxValue))
}
