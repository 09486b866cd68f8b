package convert

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// rollUp writes the real servers that one line of a loop made (~SEQ, ~LST) as a loop of HCL, where
// they differ in their addresses alone. Servers that are written one by one stay so.
func rollUp(b *body) {
	var kept []*item
	for len(b.items) > 0 {
		run := 1
		for run < len(b.items) && looped(b.items[0], b.items[run]) {
			run++
		}
		if run > 1 {
			kept = append(kept, dynamic(b.items[:run]))
		} else {
			kept = append(kept, b.items[0])
		}
		b.items = b.items[run:]
	}
	b.items = kept
}

// looped says whether two items are of one line and differ in their address alone.
func looped(a, b *item) bool {
	return a.name == "real_server" && b.name == "real_server" && a.at == b.at && a.at != (hcl.Range{}) &&
		a.labels[1] == b.labels[1] && len(b.lead) == 0 && a.trail == "" && b.trail == "" && a.open == "" && b.open == "" &&
		slices.Equal(a.block.bytes(), b.block.bytes())
}

func dynamic(items []*item) *item {
	first := items[0]
	var addresses []element
	for _, it := range items {
		addresses = append(addresses, element{expr: quote(it.labels[0])})
	}
	return &item{
		gap: first.gap, lead: first.lead, at: first.at,
		name: "dynamic", labels: []string{"real_server"},
		block: &body{items: []*item{
			{name: "for_each", list: addresses},
			{name: "labels", list: []element{{expr: "real_server.value"}, {expr: quote(first.labels[1])}}},
			{name: "content", block: first.block},
		}},
	}
}
