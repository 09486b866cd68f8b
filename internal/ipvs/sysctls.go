package ipvs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Sysctl is a parameter of IPVS below net.ipv4.vs that decides what becomes of connections
// (Documentation/networking/ipvs-sysctl.rst). Each network namespace has its own.
type Sysctl uint8

// The parameters.
const (
	// ExpireNodestConn 1 ends a connection with its next packet when its server has left the table; with
	// 0 its packets are dropped until it has timed out.
	ExpireNodestConn Sysctl = iota
	// ExpireQuiescentTemplate 1 forgets that a client is to stay with a server when that has the weight
	// 0; with 0 the client goes on coming to it.
	ExpireQuiescentTemplate
	// ConnReuseMode other than 0 gives a client a server anew when it uses a port again whose connection
	// is over (1; 2 where only the client's half is seen, too); with 0 it goes to the server that it had.
	ConnReuseMode
	sysctlCount
)

// file is the parameter's name below net.ipv4.vs.
func (s Sysctl) file() string {
	switch s {
	case ExpireNodestConn:
		return "expire_nodest_conn"
	case ExpireQuiescentTemplate:
		return "expire_quiescent_template"
	}
	return "conn_reuse_mode"
}

// String is the whole name: "net.ipv4.vs.expire_nodest_conn".
func (s Sysctl) String() string { return "net.ipv4.vs." + s.file() }

// Sysctls are values of the parameters. As a wish 0 is whatever the kernel has; a kernel has NoSysctl
// of one that it does not know.
type Sysctls [sysctlCount]int32

// NoSysctl is the value of a parameter that the kernel does not have.
const NoSysctl int32 = -1

// SysctlDifference is a parameter that is not as wanted.
type SysctlDifference struct {
	Sysctl Sysctl
	Has    int32 // or NoSysctl
	Want   int32
}

// differences are the parameters that are not as wanted. Every kind of ConnReuseMode is as good as any.
func (s Sysctls) differences(have Sysctls) []SysctlDifference {
	var list []SysctlDifference
	for i, want := range s {
		has := have[i]
		if want == 0 || has == want || Sysctl(i) == ConnReuseMode && has > 0 {
			continue
		}
		list = append(list, SysctlDifference{Sysctl(i), has, want})
	}
	return list
}

// readSysctls reads the parameters in their directory; of one that is nil there are none.
func readSysctls(dir *os.Root) (Sysctls, error) {
	var s Sysctls
	for i := range s {
		s[i] = NoSysctl
		if dir == nil {
			continue
		}
		name := Sysctl(i).file()
		b, err := dir.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return s, fmt.Errorf("read %s: %w", Sysctl(i), err)
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 32)
		if err != nil {
			return s, fmt.Errorf("read %s: %w", Sysctl(i), err)
		}
		s[i] = int32(n)
	}
	return s, nil
}

// writeSysctl sets a parameter in their directory.
func writeSysctl(dir *os.Root, s Sysctl, value int32) error {
	if dir == nil {
		return os.ErrNotExist
	}
	f, err := dir.OpenFile(s.file(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strconv.Itoa(int(value)))
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
