package ipvs

import "testing"

// What kernels show: the headings alone, the helper at its usual port, and at others.
func TestShowsFTP(t *testing.T) {
	const head = "prot port    usecnt name\n"
	for text, want := range map[string]bool{
		"":   false,
		head: false,
		head + "TCP  21      0      ftp              \n":                                              true,
		head + "TCP  2121    3      ftp              \nTCP  21      12     ftp              \n":       true,
		head + "TCP  2121    3      ftp              \n":                                              false,
		head + "TCP  21      0      other            \nUDP  21      0      ftp              \nTCP  2": false,
	} {
		if got := showsFTP([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
