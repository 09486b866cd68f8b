// Package script runs other programs for the director: checks, trackers and notifications that an
// operator wrote. A program has a process group of its own, nothing of lvsd's environment, and a
// time after which the whole group is ended.
package script

import "strings"

// Line is a command line, the program first. It is comparable; the zero value is none.
type Line string

// separator cannot stand in an argument: execve(2) ends each of them with it.
const separator = "\x00"

// NewLine makes a line of a program and its arguments. What stands behind a NUL in a word is left
// out, as execve(2) would.
func NewLine(words ...string) Line {
	cut := make([]string, len(words))
	for k, w := range words {
		cut[k], _, _ = strings.Cut(w, separator)
	}
	return Line(strings.Join(cut, separator))
}

// With returns the line with more arguments behind it.
func (l Line) With(words ...string) Line {
	if l == "" || len(words) == 0 {
		return l
	}
	return l + separator + NewLine(words...)
}

// Words returns the program and its arguments; none for the zero value.
func (l Line) Words() []string {
	if l == "" {
		return nil
	}
	return strings.Split(string(l), separator)
}

// String writes the line as a shell would read it.
func (l Line) String() string {
	words := l.Words()
	for k, w := range words {
		if w == "" || strings.Trim(w, plain) != "" {
			words[k] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// plain are the characters that mean nothing to a shell.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%"

// Command is a program to run. It is comparable: equal commands do the same.
type Command struct {
	// Line is the program and its arguments. A program without a slash is looked for in Path.
	Line Line
	// User and Group are names or numbers. An empty user is DefaultUser where the host has it, else
	// lvsd's own; an empty group is that of the user.
	User, Group string
	// Secure refuses to run, as root, a program that somebody else than root could have written:
	// see ErrInsecure.
	Secure bool
}

// DefaultUser is the user of commands that name none, as it is keepalived's.
const DefaultUser = "keepalived_script"

// Path is where programs are looked for, and the only thing in their environment.
const Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
