package conf

import (
	"strings"

	"lvsd/internal/conf/keepalived"
)

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
			d.file(w, &to.CA)
		case "certificate":
			d.file(w, &to.Certificate)
		case "key":
			d.file(w, &to.Key)
		}
	})
	if to.Key != "" && to.Certificate == "" {
		d.errorf(n.Range, "A key without a certificate is shown to nobody; write certificate, or remove the key")
	}
	if to.CA != "" && d.front.repair {
		d.warnf(n.Range, "lvsd verifies the certificates of servers by this ca, which keepalived does not: a server whose certificate is not valid is taken out")
	}
}

// file reads the whole path of a file.
func (d *decoder) file(n *keepalived.Node, to *string) {
	w, ok := first(n)
	if !ok {
		return
	}
	if !strings.HasPrefix(w.Text, "/") || !graphic(w.Text) {
		d.errorf(w.Range, "%s takes the whole path of a file, such as /etc/ssl/certs/ca-certificates.crt, not %q", n.Keyword.Text, w.Text)
		return
	}
	*to = w.Text
}
