package conf

import (
	"crypto/sha256"
	"encoding/binary"
)

// Seal tells a configuration from what would be read in its place now, without reading it as one. Its zero value is that of
// no configuration.
type Seal struct {
	sum   [sha256.Size]byte
	known bool
}

// seal is what Load reads beside its options. It is known where that is all that decides: the files that are named, and none
// that they name; and where there was nothing to report, since that is to be reported again.
func seal(r *Result, sources []source, alone bool) Seal {
	if r.Config == nil || len(r.Diags) > 0 || !alone {
		return Seal{}
	}
	return sealed(sources)
}

func sealed(sources []source) Seal {
	s := Seal{known: true}
	sum := sha256.New()
	for _, f := range sources {
		for _, part := range [][]byte{[]byte(f.path), f.src} {
			sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			sum.Write(part)
		}
	}
	sum.Sum(s.sum[:0])
	return s
}

// Unchanged tells whether Load would find the same as it did when it gave this seal, with the same path and options. Where it
// cannot tell, it says no.
func (s Seal) Unchanged(path string, o Options) bool {
	if !s.known {
		return false
	}
	sources, diags := o.sources(path, newReader())
	return len(diags) == 0 && sealed(sources) == s
}
