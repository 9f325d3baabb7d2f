package site

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/trust"
)

// The files of keys/, each 0600. keys/root is not read by a running site: it
// signs the trust anchor, and is to be moved to a place that is offline.
const (
	caKeyFile   = "ca.key"
	caCertFile  = "ca.crt"
	signingFile = "signing.key"
	sealingFile = "sealing.key"
	rootDir     = "root"
	rootFile    = "root.key"
)

const rootNote = `root.key signs the trust anchor of this site, and nothing else. A running
site does not read it. Move this folder to a place that is offline (a stick
in a safe), keep a second copy, and bring it back only to change keys.
`

// Keys are what a running site signs with.
type Keys struct {
	CA      *trust.Authority
	Signing ed25519.PrivateKey
	// Sealing opens the secrets that the site keeps.
	Sealing *trust.SealingKey
}

// makeKeys makes every key of a new site and its signed anchor.
func makeKeys(dir, code string, now time.Time) (anchor []byte, err error) {
	ca, err := trust.NewAuthority(code, now)
	if err != nil {
		return nil, fmt.Errorf("make CA: %w", err)
	}
	_, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	_, root, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make root key: %w", err)
	}
	caPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate.Raw})
	anchor, err = trust.NewAnchor(code, root, []ed25519.PublicKey{signing.Public().(ed25519.PublicKey)}, caPEM, now)
	if err != nil {
		return nil, fmt.Errorf("make trust anchor: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, rootDir), 0o700); err != nil {
		return nil, err
	}
	return anchor, errors.Join(
		writeKey(filepath.Join(dir, caKeyFile), ca.Key),
		durable.Write(filepath.Join(dir, caCertFile), caPEM, 0o600),
		writeKey(filepath.Join(dir, signingFile), signing),
		makeSealingKey(filepath.Join(dir, sealingFile)),
		writeKey(filepath.Join(dir, rootDir, rootFile), root),
		durable.Write(filepath.Join(dir, rootDir, "README"), []byte(rootNote), 0o600),
	)
}

func writeKey(path string, key any) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("key %s: %w", path, err)
	}
	return durable.Write(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func readKey[K any](path string) (K, error) {
	var none K
	b, err := os.ReadFile(path)
	if err != nil {
		return none, fmt.Errorf("key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return none, fmt.Errorf("key %s: is not PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return none, fmt.Errorf("key %s: %w", path, err)
	}
	key, ok := parsed.(K)
	if !ok {
		return none, fmt.Errorf("key %s: is a %T", path, parsed)
	}
	return key, nil
}
