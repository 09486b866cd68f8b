package conf

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"lvsd/internal/conf/keepalived"
)

// Bounds of keepalived.conf(5).
const (
	minKey       = 32
	maxKey       = 64
	maxWindow    = 300 * time.Second
	leastDefault = 5 * time.Second // of time_window
)

// hmac reads auth_hmac.
func (d *decoder) hmac(n *keepalived.Node, i *Instance) {
	h := HMAC{Mode: Enforce, TimeWindow: max(3*i.AdvertInterval, leastDefault).Round(time.Second)}
	var mode, replay string
	var active *keepalived.Node
	sound := true
	check := func(ok bool) { sound = sound && ok }
	d.singles(n, func(name string) bool { return name == "key" }, func(c *keepalived.Node) {
		switch c.Name {
		case "key":
			check(d.hmacKeys(c, &h))
		case "active_key":
			active = c
			check(d.octet(c, &h.ActiveKey))
		case "anti_replay":
			check(d.choice(c, []string{"time", "monotonic"}, &replay))
		case "time_window":
			check(d.duration(c, time.Second, maxWindow, &h.TimeWindow))
		case "mode":
			check(d.choice(c, []string{string(Enforce), string(Permissive), string(ReceiveOnly)}, &mode))
		}
	})
	switch {
	case !sound:
		return
	case len(h.Keys) == 0:
		d.errorf(n.Range, "auth_hmac has no key; write key 1 hex:… with 64 digits or more, the same on both nodes")
		return
	case active == nil:
		d.errorf(n.Range, "auth_hmac has no active_key; write the number of the key that signs")
		return
	case !h.has(h.ActiveKey):
		d.errorf(active.Range, "There is no key %d in this auth_hmac", h.ActiveKey)
		return
	}
	slices.SortFunc(h.Keys, func(a, b HMACKey) int { return cmp.Compare(a.ID, b.ID) })
	h.Monotonic = replay == "monotonic"
	if mode != "" {
		h.Mode = HMACMode(mode)
	}
	i.HMAC = h
	if d.front.repair {
		d.warnf(n.Range, "The trailer of lvsd is not that of keepalived 2.4: the other node has to run lvsd too, or both are masters")
	}
}

func (h *HMAC) has(id uint8) bool {
	for _, k := range h.Keys {
		if k.ID == id {
			return true
		}
	}
	return false
}

// hmacKeys reads a line of key, or in HCL all of them.
func (d *decoder) hmacKeys(n *keepalived.Node, h *HMAC) bool {
	if !n.Block {
		return d.hmacKey(n, n.Args, h)
	}
	sound := !n.Broken
	for _, line := range n.Children {
		sound = d.hmacKey(line, append([]keepalived.Word{line.Keyword}, line.Args...), h) && sound
	}
	return sound
}

// hmacKey reads the number and the value of a key, of which no message tells.
func (d *decoder) hmacKey(n *keepalived.Node, words []keepalived.Word, h *HMAC) bool {
	if n.Broken {
		return false
	}
	if len(words) != 2 {
		d.unshown(n.Range, "A key is a number from 1 to 255 and a value behind it")
		return false
	}
	id, err := strconv.ParseUint(words[0].Text, 10, 8)
	switch {
	case err != nil || id == 0:
		d.unshown(words[0].Range, "A key has a number from 1 to 255, not %q", words[0].Text)
		return false
	case h.has(uint8(id)):
		d.unshown(words[0].Range, "There are two keys %d; give one of them another number", id)
		return false
	}
	key, err := d.keyOf(words[1])
	if err != nil {
		d.unshown(words[1].Range, "Key %d: %v", id, err)
		return false
	}
	h.Keys = append(h.Keys, HMACKey{ID: uint8(id), Value: Secret(key)})
	return true
}

// unshown is errorf about a line that nobody is to see.
func (d *decoder) unshown(at hcl.Range, format string, args ...any) {
	d.errorf(at, format, args...)
	d.last.Extra = secretLine{}
}

// keyOf reads the value of a key: hex:DIGITS, file:PATH, of a file with one of the others in it, or
// the key itself.
func (d *decoder) keyOf(w keepalived.Word) (string, error) {
	text := w.Text
	if path, is := strings.CutPrefix(text, "file:"); is {
		if d.from == nil {
			return "", errNoFiles
		}
		if !filepath.IsAbs(path) {
			return "", fmt.Errorf("the path behind file: has to begin with /")
		}
		src, err := d.from.once(path)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", path, err)
		}
		text = strings.TrimRight(string(src), "\r\n")
	}
	if digits, is := strings.CutPrefix(text, "hex:"); is {
		b, err := hex.DecodeString(digits)
		if err != nil {
			return "", fmt.Errorf("what is behind hex: is not hexadecimal, two digits for each byte")
		}
		text = string(b)
	}
	if len(text) < minKey || len(text) > maxKey {
		return "", fmt.Errorf("it has %d bytes, and needs %d to %d", len(text), minKey, maxKey)
	}
	return text, nil
}
