package elector

import (
	"bytes"
	"encoding/gob"
	"testing"

	"lvsd/internal/netif"
)

// Answers that nobody waited for, as after a stall of the child, keep no report back.
func TestLateAnswersHoldUpNothing(t *testing.T) {
	reported := 0
	p := NewProcess(Options{Report: func(Report) { reported++ }}, "none")
	var wire bytes.Buffer
	encoder := gob.NewEncoder(&wire)
	for _, a := range []answer{
		{Present: &Presence{Kernel: map[string]netif.Presence{"first": {}}}},
		{Present: &Presence{Kernel: map[string]netif.Presence{"second": {}}}},
		{Report: netif.Applied{Generation: 1}},
		{Ended: true},
	} {
		if err := encoder.Encode(&a); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.read(&wire); err != nil || reported != 1 {
		t.Errorf("%d reports, %v", reported, err)
	}
	if _, newest := (<-p.present).Kernel["second"]; !newest {
		t.Error("the answer left is not the newest")
	}
}
