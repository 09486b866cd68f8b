package ipvs

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDialFindsAFamilyThatEveryKernelHas(t *testing.T) {
	g, err := dial("nlctrl")
	if err != nil {
		t.Fatal(err)
	}
	defer g.sock.Close()
	if g.family != unix.GENL_ID_CTRL {
		t.Errorf("family id %d, want %d", g.family, unix.GENL_ID_CTRL)
	}
	replies, err := g.exchange(unix.CTRL_CMD_GETFAMILY, unix.NLM_F_DUMP)
	if err != nil || len(replies) == 0 {
		t.Errorf("%d families, %v", len(replies), err)
	}
	if _, err := g.exchange(200, 0); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("a command that is none: %v", err)
	}
}

func TestDialWithoutTheFamily(t *testing.T) {
	if g, err := dial("LVSDNONE"); !errors.Is(err, ErrNoIPVS) {
		t.Errorf("dial: %v, %v", g, err)
	}
}
