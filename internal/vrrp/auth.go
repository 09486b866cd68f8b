package vrrp

import (
	"crypto/subtle"
	"fmt"
)

// Authentication types of version 2 (RFC 2338 §5.3.6). RFC 3768 took all but the first away.
const (
	authNone = 0
	authText = 1 // a password in clear text
)

// Password is the simple text password of a version 2 instance, padded with zeros
// (RFC 2338 §5.3.6.2). It is sent as it is: it keeps mistakes apart, not attackers. The zero value
// is no authentication.
type Password [authLength]byte

// String keeps the password out of logs.
func (Password) String() string { return "(not shown)" }

// authenticate fills in what a version 2 advert of the instance proves itself with.
func (i *instance) authenticate(a *Advert) {
	if a.Version == 2 && i.cfg.Password != (Password{}) {
		a.AuthType, a.AuthData = authText, i.cfg.Password
	}
}

// verify says why a version 2 advert is not by one of us. The comparison takes as long for a
// wrong password as for the right one.
func (i *instance) verify(a *Advert) error {
	if a.Version != 2 {
		return nil
	}
	want := uint8(authNone)
	if i.cfg.Password != (Password{}) {
		want = authText
	}
	switch {
	case a.AuthType != want:
		return fmt.Errorf("authentication type %d, ours is %d: %w", a.AuthType, want, ErrAuth)
	case want == authText && subtle.ConstantTimeCompare(a.AuthData[:], i.cfg.Password[:]) != 1:
		return fmt.Errorf("wrong password: %w", ErrAuth)
	}
	return nil
}
