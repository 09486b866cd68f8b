package ipvs

// Shows says whether what a kernel shows of its table is what it shows of t.
func Shows(k Kernel, t Table) (bool, error) {
	seen := look{table: t}
	err := k.Look(seen.line)
	return !seen.changed(), err
}
