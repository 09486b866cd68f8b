package conf

import "github.com/hashicorp/hcl/v2"

// Tracked is one line of track_interface, or of a block like it: what an instance depends on.
type Tracked struct {
	Name string
	// Weight is added to the priority while what is tracked is up where it is positive, and while it
	// is down where it is negative, -253 to 253. With 0 the instance takes no part in the election
	// while it is down.
	Weight int
	// Reverse turns the weight's sign; with a weight of 0, it takes up for down.
	Reverse bool
	Range   hcl.Range
}
