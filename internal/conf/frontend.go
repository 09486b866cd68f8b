package conf

// frontEnd is what the two languages differ in once a file is a tree of words.
type frontEnd struct {
	defaults defaults
	// units lets durations carry one ("500ms"); keepalived has seconds only.
	units bool
	// repair says to take keepalived's reading of a questionable value, with a warning. Where it
	// is false the same thing is an error.
	repair bool
}

func keepalivedFrontEnd() *frontEnd {
	return &frontEnd{defaults: keepalivedDefaults(), repair: true}
}

func hclFrontEnd() *frontEnd {
	return &frontEnd{defaults: hclDefaults(), units: true}
}
