package point

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/trust"
)

// Credential is the key of a job and its certificate of now. It is safe for
// concurrent use.
type Credential struct {
	key    *ecdsa.PrivateKey
	keyPEM []byte

	mu       sync.Mutex
	pair     *tls.Certificate
	notAfter time.Time
}

// NewCredential makes a key for a job that is to be claimed.
func NewCredential() (*Credential, error) {
	key, err := trust.NewKey()
	if err != nil {
		return nil, err
	}
	return newCredential(key)
}

// LoadCredential takes the key and the certificate of a job that goes on.
func LoadCredential(keyPEM, chainPEM []byte) (*Credential, error) {
	key, err := trust.ParseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("job's key: %w", err)
	}
	c, err := newCredential(key)
	if err != nil {
		return nil, err
	}
	return c, c.Take(chainPEM)
}

func newCredential(key *ecdsa.PrivateKey) (*Credential, error) {
	pem, err := trust.MarshalKey(key)
	if err != nil {
		return nil, err
	}
	return &Credential{key: key, keyPEM: pem}, nil
}

// KeyPEM is the key, for the job folder.
func (c *Credential) KeyPEM() []byte { return c.keyPEM }

// Public is the public half of the key.
func (c *Credential) Public() *ecdsa.PublicKey { return &c.key.PublicKey }

// CSR is a request for a certificate of the key.
func (c *Credential) CSR() ([]byte, error) { return trust.NewCSR(c.key) }

// Take puts a new certificate in place.
func (c *Credential) Take(chainPEM []byte) error {
	pair, err := trust.KeyPair(chainPEM, c.keyPEM)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pair, c.notAfter = pair, pair.Leaf.NotAfter
	return nil
}

// Certificate is what the client shows; nil before the first Take.
func (c *Credential) Certificate() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair
}

// over says whether the certificate has ended.
func (c *Credential) over(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.After(c.notAfter)
}

// due is how long the certificate can wait for its renewal: half of what is left.
func (c *Credential) due(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.notAfter.Sub(now)/2, 0)
}

// Renewer keeps the certificate of a running job fresh.
type Renewer struct {
	Client     *Client
	Credential *Credential
	Clock      *Clock
	// Keep stores a new chain in the job folder.
	Keep func(chainPEM []byte) error
	Log  *slog.Logger
}

// Renew asks for a certificate once.
func (r *Renewer) Renew(ctx context.Context) error {
	csr, err := r.Credential.CSR()
	if err != nil {
		return err
	}
	got, err := r.Client.Renew(ctx, csr)
	if err != nil && r.Credential.over(r.Clock.Now()) && refused(err) {
		return api.Errorf(api.CodeForbidden, "job", "its certificate ended while the machine or the box was away, and cannot be renewed")
	}
	if err != nil {
		return err
	}
	if err := r.Credential.Take([]byte(got.Certificate)); err != nil {
		return err
	}
	r.Client.Close()
	return r.Keep([]byte(got.Certificate))
}

// refused says whether the other side ended a TLS connection with an alert.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// Run renews at half of the certificate's remaining life, and every minute after
// a failure, until ctx ends, when it returns nil, or the box refuses for good.
func (r *Renewer) Run(ctx context.Context) error {
	wait := r.Credential.due(r.Clock.Now())
	for supervisor.Sleep(ctx, wait) {
		short, cancel := context.WithTimeout(ctx, time.Minute)
		err := r.Renew(short)
		cancel()
		if api.Final(err) {
			return err
		}
		wait = max(r.Credential.due(r.Clock.Now()), time.Minute)
		if err != nil && ctx.Err() == nil {
			wait = time.Minute
			r.Log.Warn("renew the job's certificate; trying again in a minute", "component", "TSAgent", "error", err)
		}
	}
	return nil
}
