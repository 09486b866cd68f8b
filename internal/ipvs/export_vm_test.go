//go:build vm

package ipvs

// WritesByMoby says whether a kernel that Open returned writes services through moby/ipvs.
func WritesByMoby(k Kernel) bool { return k.(*netlinkKernel).moby != nil }
