package sitelink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/trust"
)

// Options are what a link needs to know. They are not changed after Open.
type Options struct {
	Site      *url.URL // https://host:port
	Directory string   // keys/ and policy/ are in it
	// TokenFile holds the enrolment token; it may be missing.
	TokenFile string
	// ConsumeSeed is called with "enrol.token" after the enrolment, to delete
	// the token from the medium that the box booted from. May be nil.
	ConsumeSeed func(name string) error
	StateID     string
	Board       string
	Version     string
	// Built is when the program was built: no certificate is checked at an
	// earlier time.
	Built time.Time
	Clock func() time.Time
	// Retry are the delays between attempts; the zero value is a half second
	// to a minute.
	Retry supervisor.Backoff
}

// Link is the box's line to its site. Open makes one.
type Link struct {
	o       Options
	changed supervisor.Signal
	logs    logsWanted

	mu       sync.Mutex
	identity *Identity
	policy   *Policy
	client   *http.Client
	failure  error     // of the last exchange with the site, nil if it went well
	heard    time.Time // when the site answered last
}

// Open reads what the box knows from earlier: its identity and its policy. A
// policy file that is damaged is passed over; the site is asked again.
func Open(o Options, log *slog.Logger) (*Link, error) {
	for _, d := range []string{keysDir, policyDir} {
		if err := os.MkdirAll(filepath.Join(o.Directory, d), 0o700); err != nil {
			return nil, fmt.Errorf("site link: %w", err)
		}
	}
	l := &Link{o: o}
	id, err := LoadIdentity(l.path(keysDir))
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	l.adopt(id)
	l.policy = l.loadPolicy(log)
	return l, nil
}

const (
	keysDir   = "keys"
	policyDir = "policy"
)

func (l *Link) path(elements ...string) string {
	return filepath.Join(append([]string{l.o.Directory}, elements...)...)
}

func (l *Link) adopt(id *Identity) {
	l.mu.Lock()
	l.identity = id
	l.client = newClient(trust.ClientTLS(id.Anchor, trust.IsSite(id.Site), clientOf(id), l.Now))
	l.mu.Unlock()
	l.changed.Notify()
}

// Identity is who the box is; nil before its enrolment.
func (l *Link) Identity() *Identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.identity
}

// Policy is the policy in force; nil before there is one.
func (l *Link) Policy() *Policy {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.policy
}

// Changed returns a channel that is closed when identity, policy or the state
// of the line change.
func (l *Link) Changed() <-chan struct{} { return l.changed.Changed() }

// Now is the time at which certificates and grants are to be judged: never
// before the build, the anchor or the last policy.
func (l *Link) Now() time.Time {
	var signed time.Time
	l.mu.Lock()
	if l.identity != nil {
		signed = l.identity.Anchor.IssuedAt
	}
	if l.policy != nil && l.policy.Snapshot.IssuedAt.After(signed) {
		signed = l.policy.Snapshot.IssuedAt
	}
	l.mu.Unlock()
	return trust.Now(l.o.Clock(), l.o.Built, signed)
}

// Line says when the site was heard last, and what is wrong since; nil: nothing.
func (l *Link) Line() (heard time.Time, failure error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard, l.failure
}

// note remembers how an exchange with the site went.
func (l *Link) note(err error) {
	l.mu.Lock()
	was := l.failure
	l.failure = err
	if err == nil {
		l.heard = l.o.Clock()
	}
	l.mu.Unlock()
	if (was == nil) != (err == nil) {
		l.changed.Notify()
	}
}

// enrolled waits until the box is enrolled; nil when ctx ends before.
func (l *Link) enrolled(ctx context.Context) *Identity {
	for {
		changed := l.Changed()
		if id := l.Identity(); id != nil {
			return id
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// exchange calls do until it succeeds, with growing delays, and remembers how
// it went. It returns false when ctx ended.
func (l *Link) exchange(ctx context.Context, log *slog.Logger, what string, do func(context.Context) error) bool {
	delay := l.o.Retry
	for {
		err := do(ctx)
		if ctx.Err() != nil {
			return false
		}
		l.note(err)
		if err == nil {
			return true
		}
		wait := delay.Next()
		log.Warn(what+" failed, tried again", "error", err, "in", wait.Round(time.Millisecond).String())
		if !supervisor.Sleep(ctx, wait) {
			return false
		}
	}
}
