package check

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Trust is what is shown to servers over TLS, and whom they have to be vouched for by. The files are
// in PEM, and are read again when they change.
type Trust struct {
	// CA is a file of the authorities one of which has to vouch for a server's certificate; empty
	// is that certificates are not verified.
	CA string
	// Certificate and Key are files with what is shown to a server that asks for it; empty is
	// nothing. A certificate's file may hold the key too.
	Certificate, Key string
	// Password is that of the key, empty for none.
	Password Secret
}

// Secret is a password. It is printed by nothing.
type Secret string

// String is not the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "set"
}

// GoString is not the secret either, for %#v.
func (s Secret) GoString() string { return s.String() }

func (t Trust) words() []Word {
	return []Word{{Name: "ca", Value: t.CA}, {Name: "certificate", Value: t.Certificate}, {Name: "key", Value: t.Key},
		{Name: "password", Value: t.Password.String(), Secret: string(t.Password)}}
}

// credentials are what the files of a Trust hold.
type credentials struct {
	authorities  *x509.CertPool // nil: nothing is verified
	certificates []tls.Certificate

	stamps [3]stamp
	looked time.Time
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

// again is how long what was read of files counts before they are looked at again.
const again = time.Second

// trusts are what was read, by what it was read for.
type trusts struct {
	mu     sync.Mutex
	loaded map[Trust]*credentials
}

var errNoAuthority = errors.New("it holds no certificate in PEM")

// load returns what the files of t hold now, within a second.
func (l *trusts) load(t Trust) (*credentials, error) {
	if t == (Trust{}) {
		return &credentials{}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	c := l.loaded[t]
	if c != nil && now.Sub(c.looked) < again {
		return c, nil
	}
	stamps, err := t.stamps()
	if err != nil {
		return nil, err
	}
	if c == nil || c.stamps != stamps {
		if c, err = t.read(); err != nil {
			return nil, err
		}
		c.stamps = stamps
	}
	c.looked = now
	if l.loaded == nil {
		l.loaded = map[Trust]*credentials{}
	}
	l.loaded[t] = c
	return c, nil
}

func (t Trust) stamps() (stamps [3]stamp, err error) {
	for i, path := range []string{t.CA, t.Certificate, t.Key} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return stamps, err
		}
		stamps[i] = stamp{info.ModTime(), info.Size()}
	}
	return stamps, nil
}

func (t Trust) read() (*credentials, error) {
	c := &credentials{}
	if t.CA != "" {
		text, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err
		}
		c.authorities = x509.NewCertPool()
		if !c.authorities.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read %s: %w", t.CA, errNoAuthority)
		}
	}
	if t.Certificate == "" {
		return c, nil
	}
	certificate, err := os.ReadFile(t.Certificate)
	if err != nil {
		return nil, err
	}
	path, key := t.Certificate, certificate
	if t.Key != "" {
		path = t.Key
		if key, err = os.ReadFile(t.Key); err != nil {
			return nil, err
		}
	}
	if key, err = decrypted(key, t.Password); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	c.certificates = []tls.Certificate{pair}
	return c, nil
}

// decrypted is a text in PEM with its private key in the clear.
func decrypted(text []byte, password Secret) ([]byte, error) {
	var clear []byte
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return clear, nil
		}
		text = rest
		block, err := decryptBlock(block, password)
		if err != nil {
			return nil, err
		}
		clear = append(clear, pem.EncodeToMemory(block)...)
	}
}
