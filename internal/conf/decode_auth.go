package conf

import (
	"fmt"

	"lvsd/internal/conf/keepalived"
)

// maxPassword is what a version 2 advert holds (RFC 2338 §5.3.6.2).
const maxPassword = 8

// authenticated reads how adverts are authenticated: by one of the two ways.
func (d *decoder) authenticated(i *Instance, password, hmac *keepalived.Node) {
	if hmac != nil {
		d.hmac(hmac, i)
	}
	switch {
	case password == nil:
	case hmac != nil:
		d.repairs(password.Range, "authentication has no effect beside auth_hmac", "it is ignored", "remove it")
	default:
		d.authentication(password, i)
	}
}

// authentication reads what RFC 2338 has and RFC 3768 took away: a password in clear text, in
// version 2 alone. What keepalived takes no notice of is borne as it does.
func (d *decoder) authentication(n *keepalived.Node, i *Instance) {
	switch {
	case i.Transport.IPv6:
		d.warnf(n.Range, "Over IPv6 there is version 3 alone, which has no authentication (RFC 9568 §9); it is ignored, by keepalived too")
		return
	case i.Version == 3:
		d.warnf(n.Range, "Version 3 has no authentication (RFC 9568 §9); it is ignored, by keepalived too")
		return
	}
	var kind string
	var password *keepalived.Node
	sound := true
	d.singles(n, never, func(c *keepalived.Node) {
		switch c.Name {
		case "auth_type":
			sound = d.choice(c, []string{"PASS", "AH"}, &kind)
		case "auth_pass":
			password = c
		}
	})
	switch {
	case !sound:
	case kind == "AH":
		why := "the other node would drop adverts without it, and both would be masters; write auth_type PASS on both nodes"
		d.errorf(n.Range, "lvsd does not have authentication AH yet: %s", why)
		d.last.Extra = keepalived.Refused{Word: "AH", Why: why}
	case kind == "" && password != nil:
		d.repairs(n.Range, "authentication has no auth_type", "the password is ignored", "write auth_type PASS")
	case kind == "PASS" && password == nil:
		d.repairs(n.Range, "authentication has no auth_pass", "it is ignored", "write one of 1 to 8 bytes")
	case kind == "PASS":
		d.password(password, &i.AuthPass)
	}
}

// password reads a password without telling anyone.
func (d *decoder) password(n *keepalived.Node, to *Secret) {
	w, ok := first(n)
	switch {
	case !ok:
	case w.Text == "":
		d.errorf(w.Range, "auth_pass is empty; write a password of 1 to %d bytes", maxPassword)
	case len(w.Text) > maxPassword:
		mistake := fmt.Sprintf("auth_pass has %d bytes and an advert holds %d", len(w.Text), maxPassword)
		if d.repairs(w.Range, mistake, fmt.Sprintf("the first %d count", maxPassword), "shorten it, on both nodes") {
			*to = Secret(w.Text[:maxPassword])
		}
	default:
		*to = Secret(w.Text)
	}
}
