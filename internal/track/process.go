package track

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lvsd/internal/script"
)

// Match says how the parameters of a process are compared.
type Match uint8

// The ways to compare parameters (keepalived.conf(5), param_match).
const (
	AnyParameters Match = iota // they do not count
	Exact
	Initial // the last parameter may go on
	Partial // more parameters may follow
)

// String returns the word of keepalived.conf(5); it has none for the first two.
func (m Match) String() string { return [...]string{"", "", "initial", "partial"}[m] }

// Process is a number of running processes: it is up while there are enough, and not too many.
type Process struct {
	// Command is the name of the process, and its parameters.
	Command script.Line
	// Full compares Command with the command line that the process was started with (proc(5),
	// cmdline), else the name is compared with that of the process (comm), which has 15 bytes.
	Full  bool
	Match Match // of the parameters, where Full is set
	// Quorum and QuorumMax are how many there have to be at least, and may be at most.
	Quorum, QuorumMax int
	// ForkDelay is how long there have to be enough before it is up, TerminateDelay how long there
	// have to be too few, or too many, before it is down. The first look decides at once.
	ForkDelay, TerminateDelay time.Duration
}

// String returns what is looked for.
func (p Process) String() string { return "process " + p.Command.String() }

func (p Process) subject() any {
	p.ForkDelay, p.TerminateDelay = 0, 0
	return p
}

// maxComm is how long the kernel's name of a process is (TASK_COMM_LEN less the NUL, linux/sched.h).
const maxComm = 15

// matches tells whether a process is one that is looked for. arguments are those of its command
// line, none where they were not read.
func (p Process) matches(comm string, arguments []string) bool {
	words := p.Command.Words()
	if !p.Full {
		return comm == words[0][:min(len(words[0]), maxComm)]
	}
	if len(arguments) == 0 || arguments[0] != words[0] {
		return false
	}
	want, have := words[1:], arguments[1:]
	switch p.Match {
	case Exact:
		return slices.Equal(want, have)
	case Partial:
		return len(have) >= len(want) && slices.Equal(want, have[:len(want)])
	case Initial:
		last := len(want) - 1
		if last < 0 {
			return len(have) == 0
		}
		return len(have) == len(want) && slices.Equal(want[:last], have[:last]) && strings.HasPrefix(have[last], want[last])
	case AnyParameters:
	}
	return true
}

// enough tells whether so many processes are as many as there have to be, and why not.
func (p Process) enough(count int) (why string) {
	switch {
	case count < p.Quorum:
		return fmt.Sprintf("has %d of %d processes", count, p.Quorum)
	case count > p.QuorumMax:
		return fmt.Sprintf("has %d processes, more than %d", count, p.QuorumMax)
	}
	return ""
}

// presence is what the looks at processes so far come to.
type presence struct {
	Reading
	turns time.Time // since when the looks say otherwise; zero while they do not
}

// after is the presence after one more look, and when to look again at the latest for a delay to
// end; zero if none runs.
func (p Process) after(now time.Time, was presence, count int) (is presence, again time.Time) {
	why := p.enough(count)
	is = was
	state, delay := Up, p.ForkDelay
	if why != "" {
		state, delay = Down, p.TerminateDelay
	}
	switch {
	case state == was.State:
		is.turns = time.Time{}
		is.Why = why
		return is, time.Time{}
	case was.State == Unknown:
		delay = 0
	case was.turns.IsZero():
		is.turns = now
	}
	if end := is.turns.Add(delay); delay > 0 && now.Before(end) {
		return is, end
	}
	is.State, is.Why, is.turns = state, why, time.Time{}
	return is, time.Time{}
}
