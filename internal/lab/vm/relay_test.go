package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Whatever way the stream is cut into reads, the output arrives whole, without the marker, and the exit code is found.
func TestRelayFindsTheAnswerHoweverTheStreamIsCut(t *testing.T) {
	const marker = "\x00mark "
	for _, output := range []string{"", "no newline", "lines\nof\n", "\x00", "\x00mar\x00ma", "\x00mark\x00mark"} {
		stream := output + marker + "37\n" + "from a process left behind"
		for size := 1; size <= len(stream); size++ {
			t.Run(fmt.Sprintf("%q by %d", output, size), func(t *testing.T) {
				var got strings.Builder
				r := relay{to: &got, marker: []byte(marker)}
				var err error
				for rest := stream; rest != "" && err == nil; rest = rest[min(size, len(rest)):] {
					_, err = r.Write([]byte(rest[:min(size, len(rest))]))
				}
				if !errors.Is(err, errAnswered) || r.code != 37 {
					t.Errorf("code %d, error %v; want 37 and the end of the relay", r.code, err)
				}
				if got.String() != output {
					t.Errorf("passed on %q, want %q", got.String(), output)
				}
			})
		}
	}
}

// Output that cannot be the beginning of the marker is not held back.
func TestRelayIsLive(t *testing.T) {
	var got strings.Builder
	r := relay{to: &got, marker: []byte("\x00mark ")}
	if _, err := r.Write([]byte("progress 50%")); err != nil {
		t.Fatal(err)
	}
	if got.String() != "progress 50%" {
		t.Errorf("passed on %q", got.String())
	}
}
