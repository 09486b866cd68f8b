package check

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
)

var (
	errPassword   = errors.New("the private key does not open with this password")
	errEncryption = errors.New("the private key is encrypted in a way that lvsd does not know; write it with openssl pkey -aes256")
)

// decryptBlock opens an encrypted private key, as OpenSSL writes them: in PKCS #8 or, as it did
// before its version 3, in PEM's own way (RFC 1423).
func decryptBlock(block *pem.Block, password Secret) (*pem.Block, error) {
	if x509.IsEncryptedPEMBlock(block) { //nolint:staticcheck // it is insecure, and what old files have
		der, err := x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // the same
		if err != nil {
			return nil, errPassword
		}
		return &pem.Block{Type: block.Type, Bytes: der}, nil
	}
	if block.Type != "ENCRYPTED PRIVATE KEY" {
		return block, nil
	}
	der, err := decryptPKCS8(block.Bytes, password)
	if err != nil {
		return nil, err
	}
	return &pem.Block{Type: "PRIVATE KEY", Bytes: der}, nil
}

// The structures of RFC 5958 §3 and RFC 8018 appendices A.2 and A.4.
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2 struct {
		Derivation, Cipher pkix.AlgorithmIdentifier
	}
	derivation struct {
		Salt       []byte
		Iterations int
		Length     int                      `asn1:"optional"`
		Hash       pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

// maxIterations bounds the work that a file can ask for.
const maxIterations = 10_000_000

// decryptPKCS8 opens a key that is encrypted by PBES2 with PBKDF2 (RFC 8018 §6.2).
func decryptPKCS8(der []byte, password Secret) ([]byte, error) {
	var (
		key    encryptedKey
		scheme pbes2
		derive derivation
		iv     []byte
	)
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return nil, fmt.Errorf("parse the private key: %w", err)
	}
	if key.Algorithm.Algorithm.String() != "1.2.840.113549.1.5.13" {
		return nil, errEncryption
	}
	if _, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, fmt.Errorf("parse the private key: %w", err)
	}
	if scheme.Derivation.Algorithm.String() != "1.2.840.113549.1.5.12" {
		return nil, errEncryption
	}
	if _, err := asn1.Unmarshal(scheme.Derivation.Parameters.FullBytes, &derive); err != nil {
		return nil, fmt.Errorf("parse the private key: %w", err)
	}
	if _, err := asn1.Unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, errEncryption
	}
	hashes := map[string]func() hash.Hash{"": sha1.New, "1.2.840.113549.2.7": sha1.New, "1.2.840.113549.2.9": sha256.New, "1.2.840.113549.2.11": sha512.New}
	type block struct {
		length int
		cipher func([]byte) (cipher.Block, error)
	}
	ciphers := map[string]block{"2.16.840.1.101.3.4.1.2": {16, aes.NewCipher}, "2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher}, "1.2.840.113549.3.7": {24, des.NewTripleDESCipher}}
	h, known := hashes[derive.Hash.Algorithm.String()]
	b, known2 := ciphers[scheme.Cipher.Algorithm.String()]
	if !known || !known2 || derive.Iterations < 1 || derive.Iterations > maxIterations {
		return nil, errEncryption
	}
	secret, err := pbkdf2.Key(h, string(password), derive.Salt, derive.Iterations, b.length)
	if err != nil {
		return nil, errEncryption
	}
	c, err := b.cipher(secret)
	if err != nil {
		return nil, errEncryption
	}
	size := c.BlockSize()
	if len(iv) != size || len(key.Data) == 0 || len(key.Data)%size != 0 {
		return nil, errEncryption
	}
	clear := make([]byte, len(key.Data))
	cipher.NewCBCDecrypter(c, iv).CryptBlocks(clear, key.Data)
	padding := int(clear[len(clear)-1])
	if padding < 1 || padding > size {
		return nil, errPassword
	}
	clear = clear[:len(clear)-padding]
	if _, err := x509.ParsePKCS8PrivateKey(clear); err != nil {
		return nil, errPassword
	}
	return clear, nil
}
