package sitelink

import (
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/trust"
)

// Identity is who the box is since its enrolment. It is not changed.
type Identity struct {
	Box     string // ID
	BoxName string
	Site    string // code
	Anchor  *trust.Anchor
	// RawAnchor is the signed anchor.
	RawAnchor []byte
	// Client is the certificate that the box shows to its site.
	Client *tls.Certificate
	// Authority is the box's intermediate: it signs job certificates.
	Authority *trust.Authority
	// Sealing opens what the site sealed to this box.
	Sealing *trust.SealingKey
	// StateID is the state of the box that was enrolled.
	StateID string
}

// saved is the file of an identity.
type saved struct {
	api.Enrolled
	StateID string `json:"stateID"`
}

// The files in the directory of keys, each 0600.
const (
	clientKeyFile       = "client.key"
	intermediateKeyFile = "intermediate.key"
	sealingKeyFile      = "sealing.key"
	identityFile        = "identity.json" // saved, written last
)

// keys are the keys of a box.
type keys struct {
	client, intermediate *ecdsa.PrivateKey
	sealing              *trust.SealingKey
}

// loadKeys reads the keys, or makes those that are missing. They are made
// before the first enrolment and kept, so that an enrolment whose answer was
// lost is repeated with the same keys.
func loadKeys(dir string) (keys, error) {
	client, err := loadKey(filepath.Join(dir, clientKeyFile))
	if err != nil {
		return keys{}, err
	}
	intermediate, err := loadKey(filepath.Join(dir, intermediateKeyFile))
	if err != nil {
		return keys{}, err
	}
	sealing, err := loadOrMake(filepath.Join(dir, sealingKeyFile), trust.ParseSealingPEM, trust.NewSealingKey, (*trust.SealingKey).PEM)
	return keys{client, intermediate, sealing}, err
}

func loadKey(path string) (*ecdsa.PrivateKey, error) {
	return loadOrMake(path, trust.ParseKey, trust.NewKey, func(k *ecdsa.PrivateKey) ([]byte, error) { return trust.MarshalKey(k) })
}

func loadOrMake[K any](path string, parse func([]byte) (K, error), fresh func() (K, error), write func(K) ([]byte, error)) (none K, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		key, err := parse(text)
		if err != nil {
			return none, fmt.Errorf("key %s: %w", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return none, fmt.Errorf("key %s: %w", path, err)
	}
	key, err := fresh()
	if err != nil {
		return none, err
	}
	if text, err = write(key); err != nil {
		return none, err
	}
	return key, durable.Write(path, text, 0o600)
}

// LoadIdentity reads the identity of an enrolled box. Before the enrolment it
// fails with fs.ErrNotExist.
func LoadIdentity(dir string) (*Identity, error) {
	text, err := os.ReadFile(filepath.Join(dir, identityFile))
	if err != nil {
		return nil, fmt.Errorf("identity of the box: %w", err)
	}
	var e saved
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("identity of the box: %s: %w", identityFile, err)
	}
	k, err := loadKeys(dir)
	if err != nil {
		return nil, err
	}
	return newIdentity(e, k)
}

// newIdentity checks that certificates, keys and anchor fit together.
func newIdentity(e saved, k keys) (*Identity, error) {
	anchor, err := trust.ParseAnchor(e.Anchor)
	if err != nil {
		return nil, fmt.Errorf("identity of the box: %w", err)
	}
	keyPEM, err := trust.MarshalKey(k.client)
	if err != nil {
		return nil, fmt.Errorf("identity of the box: %w", err)
	}
	client, err := trust.KeyPair([]byte(e.Certificate), keyPEM)
	if err != nil {
		return nil, fmt.Errorf("identity of the box: client %w", err)
	}
	authority, err := trust.ParseAuthority([]byte(e.Intermediate), k.intermediate)
	if err != nil {
		return nil, fmt.Errorf("identity of the box: %w", err)
	}
	if e.Box == "" || e.Site != anchor.Site || authority.Site != anchor.Site || authority.Box == "" {
		return nil, fmt.Errorf("identity of the box: box %q of site %q, certificates of box %q of site %q, anchor of site %q: they do not belong together",
			e.Box, e.Site, authority.Box, authority.Site, anchor.Site)
	}
	return &Identity{Box: e.Box, BoxName: e.BoxName, Site: e.Site, Anchor: anchor, RawAnchor: e.Anchor, Client: client, Authority: authority, Sealing: k.sealing, StateID: e.StateID}, nil
}
