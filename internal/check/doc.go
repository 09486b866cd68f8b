// Package check probes real servers and says which of them are healthy.
//
// A [Set] holds one check for every distinct [Spec], however many services name the target. Each
// check probes in turn, each probe is bounded by the spec's timeout, and its result goes through
// one pure function (verdict.go) that decides whether the target is healthy and when it is probed
// next. The set reports what changed; it changes nothing itself.
//
// A checker is one file with one function of a context and a [Spec]; checkers.go lists them. What there may be thousands
// of in a second, connections, HTTP/1 in the clear and pings, needs no goroutine: engine_linux.go.
package check
