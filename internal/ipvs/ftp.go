package ipvs

import (
	"bytes"
	"errors"
)

// ErrNoFTP says that the kernel's helper for FTP is not there, and that the kernel did not load it.
var ErrNoFTP = errors.New("the kernel has no helper for FTP (load the module ip_vs_ftp)")

// showsFTP reads /proc/net/ip_vs_app (ip_vs_app_seq_show of net/netfilter/ipvs/ip_vs_app.c): a line for each port and helper.
// The module's parameter "ports" may have left port 21 out.
func showsFTP(text []byte) bool {
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) == 4 && string(f[0]) == "TCP" && string(f[1]) == "21" && string(f[3]) == "ftp" {
			return true
		}
	}
	return false
}
