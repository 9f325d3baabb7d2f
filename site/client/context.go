// Package client speaks to a site as an administrator: the context file that
// says where the site is and what to trust, and a call for each route.
//
// A server is believed only when its certificate comes from the CA of the
// context's trust anchor and bears the site's name; addresses prove nothing.
package client

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	yaml "go.yaml.in/yaml/v4"

	"github.com/bootward/bootward/trust"
)

// Context is the context file: which site, what to trust, who you are. A person
// signs in with Token, with Certificate, or with both if they are his.
type Context struct {
	Format int    `yaml:"format"` // 1
	URL    string `yaml:"url"`    // https://HOST:8443
	Site   string `yaml:"site"`   // code
	// Fingerprint names the root key of Anchor, the signed trust anchor.
	Fingerprint string `yaml:"fingerprint"`
	Anchor      string `yaml:"anchor"`
	// Administrator is for people; Token is the bearer token.
	Administrator string `yaml:"administrator,omitempty"`
	Token         string `yaml:"token,omitempty"`
	// Certificate is a PEM file with a client certificate and its key, as
	// `bootward person certificate` writes it; beside the context file unless its
	// path is absolute.
	Certificate string `yaml:"certificate,omitempty"`

	dir string // of the file
}

// LoadContext reads a context file; unknown keys are errors.
func LoadContext(file string) (*Context, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("context %s: there is none; `bootward site init` writes it, or copy it from an administrator's machine (or set BOOTWARD_CONTEXT)", file)
	}
	if err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	return ParseContext(file, b)
}

// ParseContext reads the bytes of a context file.
func ParseContext(file string, b []byte) (*Context, error) {
	var c Context
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("context %s: %w", file, err)
	}
	if c.Format != 1 {
		return nil, fmt.Errorf("context %s: format: %d: this program reads format 1", file, c.Format)
	}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("context %s: url: %q: give https://HOST:PORT", file, c.URL)
	}
	if _, err := c.anchor(); err != nil {
		return nil, fmt.Errorf("context %s: %w", file, err)
	}
	if c.Token == "" && c.Certificate == "" {
		return nil, fmt.Errorf("context %s: neither token nor certificate: give one of them", file)
	}
	c.dir = filepath.Dir(file)
	return &c, nil
}

// pair is the client certificate, or nil where there is none.
func (c *Context) pair() (*tls.Certificate, error) {
	if c.Certificate == "" {
		return nil, nil
	}
	path := c.Certificate
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.dir, path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	pair, err := trust.KeyPair(raw, raw)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w; make a new one with: bootward person certificate", path, err)
	}
	return pair, nil
}

func (c *Context) anchor() (*trust.Anchor, error) {
	a, err := trust.ParseAnchor([]byte(c.Anchor))
	if err != nil {
		return nil, fmt.Errorf("anchor: %w", err)
	}
	if a.Fingerprint() != c.Fingerprint {
		return nil, fmt.Errorf("anchor: its fingerprint is %s, and the context trusts %s", a.Fingerprint(), c.Fingerprint)
	}
	return a, nil
}

// Save writes the context file (0600: it holds the token), whole or not at
// all. Missing folders are made.
func (c *Context) Save(file string) error {
	b, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("context: %w", err)
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("context: %w", err)
	}
	f, err := os.CreateTemp(dir, ".context-*")
	if err != nil {
		return fmt.Errorf("context: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("context %s: %w", file, err), os.Remove(f.Name()))
	}
	return nil
}
