package ipvs

// Shows says whether what a kernel shows of its table is what it shows of t.
func Shows(k Kernel, t Table) (bool, error) {
	seen := look{table: t}
	err := k.Look(seen.line)
	return !seen.changed(), err
}

// Disagrees has what a table still lacks that the applier takes for one that the kernel has all of: nothing, ever. The
// applier must be at rest.
func (a *Applier) Disagrees() []Op {
	if a.state.agreed == nil {
		return nil
	}
	return Plan(*a.state.agreed, a.state.known, a.state.owned.keys)
}
