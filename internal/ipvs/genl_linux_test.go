package ipvs

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestDialFindsAFamilyThatEveryKernelHas(t *testing.T) {
	g, err := dial("nlctrl")
	if err != nil {
		t.Fatal(err)
	}
	defer g.wire.close()
	if g.family != unix.GENL_ID_CTRL {
		t.Errorf("family id %d, want %d", g.family, unix.GENL_ID_CTRL)
	}
	families := 0
	err = g.exchange(unix.CTRL_CMD_GETFAMILY, unix.NLM_F_DUMP, nil, func([]byte) error { families++; return nil })
	if err != nil || families == 0 {
		t.Errorf("%d families, %v", families, err)
	}
	if err := g.exchange(200, 0, nil, nil); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("a command that is none: %v", err)
	}
}

func TestDialWithoutTheFamily(t *testing.T) {
	if g, err := dial("LVSDNONE"); !errors.Is(err, ErrNoIPVS) {
		t.Errorf("dial: %v, %v", g, err)
	}
}

// An exchange that hangs in the kernel is given up, and the connection with it.
func TestGuardGivesUp(t *testing.T) {
	g, err := dial("nlctrl")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		k := &netlinkKernel{genl: g}
		release := make(chan struct{})
		begin := time.Now()
		_, err := guard(k, func() (int, error) { <-release; return 1, nil })
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != exchangeTimeout+time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		if errs := k.Apply([]Op{{Kind: DeleteService, Key: tcp("192.0.2.1:80")}}); !errors.Is(errs[0], net.ErrClosed) {
			t.Errorf("the connection afterwards: %v", errs[0])
		}
		if _, err := k.Dump(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the connection afterwards: %v", err)
		}
		close(release)
		k.Close()
	})
	if err := g.exchange(unix.CTRL_CMD_GETFAMILY, unix.NLM_F_DUMP, nil, nil); err == nil {
		t.Error("the socket is still open")
	}
}

// TestDistinct: an entry that a dump has twice counts once, and makes it one that others disturbed.
func TestDistinct(t *testing.T) {
	for _, c := range []struct {
		list, want string
		twice      bool
	}{
		{"", "", false},
		{"a1 b1", "a1 b1", false},
		{"a1 b1 a2 c1 a3", "a1 b1 c1", true},
	} {
		list, twice := distinct(strings.Fields(c.list), func(s string) byte { return s[0] })
		if got := strings.Join(list, " "); got != c.want || twice != c.twice {
			t.Errorf("%q: %q, twice %t", c.list, got, twice)
		}
	}
}

// BenchmarkExchange is a dump of a few entries, on the machine as it is: a reading of the table of IPVS is one for
// each service.
func BenchmarkExchange(b *testing.B) {
	g, err := dial("nlctrl")
	if err != nil {
		b.Fatal(err)
	}
	defer g.wire.close()
	k := &netlinkKernel{genl: g}
	for b.Loop() {
		_, err := guard(k, func() (struct{}, error) {
			return struct{}{}, g.exchange(unix.CTRL_CMD_GETFAMILY, unix.NLM_F_DUMP, nil, func([]byte) error { return nil })
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
