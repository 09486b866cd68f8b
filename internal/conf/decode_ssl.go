package conf

import "lvsd/internal/conf/keepalived"

func (d *decoder) ssl(n *keepalived.Node) {
	if d.cfg.SSL == nil {
		d.cfg.SSL = &SSL{}
	}
	to := d.cfg.SSL
	d.singles(n, never, func(w *keepalived.Node) {
		switch w.Name {
		case "password":
			if w, ok := first(w); ok {
				to.Password = Secret(w.Text)
			}
		case "ca":
			d.wholePath(w, &to.CA)
		case "certificate":
			d.wholePath(w, &to.Certificate)
		case "key":
			d.wholePath(w, &to.Key)
		}
	})
	if to.Key != "" && to.Certificate == "" {
		d.errorf(n.Range, "A key without a certificate is shown to nobody; write certificate, or remove the key")
	}
	if to.CA != "" && d.front.repair {
		d.warnf(n.Range, "lvsd verifies the certificates of servers by this ca, which keepalived does not: a server whose certificate is not valid is taken out")
	}
}
