package keepalived

import "strings"

// Nearest returns the one of known that word is most likely a misspelling of, or "" where none is
// near: at most a quarter of its letters wrong, missing, too many or swapped with a neighbour.
func Nearest(word string, known []string) string {
	if len(word) > 40 {
		return ""
	}
	best, bound := "", min(max(1, len(word)/4)+1, len(word))
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < bound {
			best, bound = k, d
		}
	}
	return best
}

// distance is the number of letters to add, drop, change or swap with a neighbour.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
