package convert

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf"
)

// The options of a tunnel have no short letters, ipvsadm(8).
const (
	tunType byte = iota + 1
	tunPort
	tunNoChecksum
	tunChecksum
	tunRemoteChecksum
)

// ipvsTunnel reads how packets are wrapped for a server that a tunnel leads to. As with ipvsadm, an option that
// the type does not have is an error.
func (j *job) ipvsTunnel(o *ipvsOptions, forwarding conf.Forwarding, at hcl.Range) (t conf.Tunnel, ok bool) {
	names := map[byte]string{tunType: "--tun-type", tunPort: "--tun-port", tunNoChecksum: "--tun-nocsum", tunChecksum: "--tun-csum",
		tunRemoteChecksum: "--tun-remcsum"}
	if forwarding != conf.TUN {
		for letter := tunType; letter <= tunRemoteChecksum; letter++ {
			if o.flags[letter] {
				j.errorf(at, "Only a server with -i has %s", names[letter])
				return t, false
			}
		}
		return t, true
	}
	t.Type = conf.IPIP
	if w, given := o.values[tunType]; given {
		switch t.Type = conf.TunnelType(w.text); t.Type {
		case conf.IPIP, conf.GUE, conf.GRE:
		default:
			j.errorf(w.at, "%q is no type of a tunnel; write ipip, gue or gre", w.text)
			return t, false
		}
	}
	if w, given := o.values[tunPort]; given {
		port, err := strconv.ParseUint(w.text, 10, 16)
		if err != nil || port == 0 {
			j.errorf(w.at, "The port of a tunnel is a whole number from 1 to 65535, not %q", w.text)
			return t, false
		}
		t.Port = uint16(port)
	}
	var sums []byte
	for letter := tunNoChecksum; letter <= tunRemoteChecksum; letter++ {
		if o.flags[letter] {
			sums = append(sums, letter)
		}
	}
	switch {
	case len(sums) > 1:
		j.errorf(at, "A tunnel has %s or %s, not both", names[sums[0]], names[sums[1]])
		return t, false
	case t.Type == conf.GUE && t.Port == 0:
		j.errorf(at, "A tunnel of type gue needs a port; write --tun-port 6080")
		return t, false
	case t.Type != conf.GUE && t.Port != 0:
		j.errorf(at, "Only a tunnel of type gue has %s", names[tunPort])
		return t, false
	case t.Type == conf.IPIP && len(sums) > 0:
		j.errorf(at, "Only a tunnel of type gue or gre has %s", names[sums[0]])
		return t, false
	case t.Type != conf.GUE && o.flags[tunRemoteChecksum]:
		j.errorf(at, "Only a tunnel of type gue has %s", names[tunRemoteChecksum])
		return t, false
	case o.flags[tunChecksum]:
		t.Checksum = conf.OuterChecksum
	case o.flags[tunRemoteChecksum]:
		t.Checksum = conf.RemoteChecksum
	}
	return t, true
}
