package check

import (
	"fmt"
	"strings"
)

// The range of HTTP status codes (RFC 9110 §15).
const (
	minStatus = 100
	maxStatus = 599
)

// StatusCodes is a set of HTTP status codes from 100 to 599. It is comparable: equal sets are
// equal values, however they were put together. The zero value is empty.
type StatusCodes [(maxStatus-minStatus)/64 + 1]uint64

// Add adds the codes from first to last, both included. Codes outside 100-599 are left out.
func (s *StatusCodes) Add(first, last int) {
	for code := max(first, minStatus); code <= min(last, maxStatus); code++ {
		s[(code-minStatus)/64] |= 1 << ((code - minStatus) % 64)
	}
}

// Has reports whether the set has the code.
func (s StatusCodes) Has(code int) bool {
	return code >= minStatus && code <= maxStatus &&
		s[(code-minStatus)/64]&(1<<((code-minStatus)%64)) != 0
}

// String returns the codes as ranges: "200-299,404". The empty set is "none".
func (s StatusCodes) String() string {
	var ranges []string
	for code := minStatus; code <= maxStatus; code++ {
		if !s.Has(code) {
			continue
		}
		first := code
		for s.Has(code + 1) {
			code++
		}
		if first == code {
			ranges = append(ranges, fmt.Sprint(code))
		} else {
			ranges = append(ranges, fmt.Sprintf("%d-%d", first, code))
		}
	}
	if ranges == nil {
		return "none"
	}
	return strings.Join(ranges, ",")
}
