package conf

import "github.com/hashicorp/hcl/v2"

// Related is another place that a diagnostic is about: "first defined here".
type Related struct {
	Range hcl.Range
	Text  string
}

// RelatedTo returns the other places that a diagnostic of this package is about.
func RelatedTo(d *hcl.Diagnostic) []Related {
	list, _ := d.Extra.([]Related)
	return list
}

// relate adds a place to the diagnostic reported last.
func (d *decoder) relate(at hcl.Range, text string) {
	d.last.Extra = append(RelatedTo(d.last), Related{at, text})
}
