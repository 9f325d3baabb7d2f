// Package site is the central site: it keeps objects, content and keys,
// decides what stands in each box's signed policy, and collects what boxes
// report.
//
// Everything is denied that the table of routes does not allow. The database
// is behind site/store, content behind package content, keys and certificates
// behind package trust; a person is known by a bearer token or a certificate, and
// may do what his rights say (rights.go); a box is known by the one certificate
// that its newest enrolment got. Every change, grant and
// enrolment enters the audit log in the transaction that makes it.
package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"crypto/ecdsa"
	"crypto/ed25519"

	"golang.org/x/time/rate"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/site/store/sqlite"
	"github.com/bootward/bootward/trust"
)

// Site is an open site. Its methods may be called concurrently.
type Site struct {
	code      string
	dir       string
	version   string
	store     store.Store
	content   *content.Directory
	keys      Keys
	anchor    *trust.Anchor
	rawAnchor []byte
	now       func() time.Time
	log       *slog.Logger

	changes notifier
	arrived supervisor.Signal // events of boxes
	streams streams
	logs    *logRelay
	ingest  ingest
	enrols  *rate.Limiter // tries to enrol, over all boxes
	tries   *tries        // wrong sign-ins

	mu      sync.Mutex
	allowed map[string]*allowed // by box ID: content that its policy names
	world   world               // as of change worldAt
	worldAt uint64
}

// Options are what Open is given besides the directory.
type Options struct {
	Version string
	Now     func() time.Time // time.Now when nil
	Log     *slog.Logger
}

// Open opens the site of a directory that Init or Restore made.
func Open(ctx context.Context, dir string, o Options) (*Site, error) {
	config, err := LoadConfig(dir)
	if err != nil {
		return nil, err
	}
	s := &Site{code: config.Code, dir: dir, version: o.Version, now: o.Now, log: o.Log, allowed: map[string]*allowed{},
		enrols: rate.NewLimiter(5, 20), tries: newTries(), logs: newLogRelay()}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.loadKeys(dir); err != nil {
		return nil, fmt.Errorf("site directory %s: %w", dir, err)
	}
	if s.content, err = content.OpenDirectory(filepath.Join(dir, contentDir)); err != nil {
		return nil, fmt.Errorf("site directory %s: %w", dir, err)
	}
	if s.store, err = sqlite.Open(ctx, filepath.Join(dir, databaseFile)); err != nil {
		return nil, fmt.Errorf("site directory %s: %w", dir, err)
	}
	if err := s.loadSealingKey(ctx, filepath.Join(dir, keysDir, sealingFile)); err != nil {
		return nil, errors.Join(fmt.Errorf("site directory %s: %w", dir, err), s.store.Close())
	}
	if err := s.adopt(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("site directory %s: administrators: %w", dir, err), s.store.Close())
	}
	return s, nil
}

func (s *Site) loadKeys(dir string) error {
	var err error
	if s.rawAnchor, err = os.ReadFile(filepath.Join(dir, anchorFile)); err != nil {
		return err
	}
	if s.anchor, err = trust.ParseAnchor(s.rawAnchor); err != nil {
		return err
	}
	keys := filepath.Join(dir, keysDir)
	caKey, err := readKey[*ecdsa.PrivateKey](filepath.Join(keys, caKeyFile))
	if err != nil {
		return err
	}
	caPEM, err := os.ReadFile(filepath.Join(keys, caCertFile))
	if err != nil {
		return err
	}
	if s.keys.CA, err = trust.ParseAuthority(caPEM, caKey); err != nil {
		return err
	}
	s.keys.CA.Site = s.code
	s.keys.Signing, err = readKey[ed25519.PrivateKey](filepath.Join(keys, signingFile))
	return err
}

// Close closes the database.
func (s *Site) Close() error { return s.store.Close() }

// Code is the site's code.
func (s *Site) Code() string { return s.code }

// Anchor is the trust anchor of the site.
func (s *Site) Anchor() *trust.Anchor { return s.anchor }

// write runs f in a transaction, and wakes who waits for policy afterwards.
func (s *Site) write(ctx context.Context, f func(store.Tx) error) error {
	if err := s.store.Write(ctx, func(x store.Tx) error { return errors.Join(f(x), x.NoteChange()) }); err != nil {
		return err
	}
	s.changes.wake()
	return nil
}

func (s *Site) audit(x store.Audit, who, what, object, text string) error {
	return x.AddAudit(store.AuditEntry{Time: s.now(), Who: who, What: what, Object: object, Text: text})
}

// notifier wakes every waiter at once. The zero value is ready.
type notifier struct {
	mu      sync.Mutex
	next    chan struct{}
	stopped bool
}

// wait returns a channel that is closed at the next wake.
func (n *notifier) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = make(chan struct{})
		if n.stopped {
			close(n.next)
		}
	}
	return n.next
}

func (n *notifier) wake() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil && !n.stopped {
		close(n.next)
		n.next = nil
	}
}

// stop lets nobody wait any longer.
func (n *notifier) stop() {
	n.wake()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped, n.next = true, nil
}

func (n *notifier) isStopped() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stopped
}

var errStopping = errors.New("the site is stopping")
