package main

import (
	"strings"
	"testing"
	"time"

	"lvsd/internal/director"
)

// What was refused stands there with its reason.
func TestStatusShowsRefusals(t *testing.T) {
	var out strings.Builder
	s := director.Status{Instances: []director.InstanceStatus{{Adverts: director.AdvertStatus{Sent: 5, Heard: 3,
		Refused: map[string]uint64{"wrong checksum": 9, "authentication differs from ours": 7}}}}}
	if err := printStatus(&out, s, time.Now()); err != nil {
		t.Fatal(err)
	}
	if want := "       adverts: 5 sent, 3 heard, 7 refused: authentication differs from ours, 9 refused: wrong checksum\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("%q", out.String())
	}
}
