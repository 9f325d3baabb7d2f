package sitelink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/internal/supervisor"
)

// Pinned says which versions running jobs need besides those of policy.
type Pinned func(ctx context.Context) ([]string, error)

// Syncer fetches what policy needs. NewSyncer makes one.
type Syncer struct {
	link    *Link
	dir     *content.Directory
	pinned  Pinned
	kick    supervisor.Signal
	changed supervisor.Signal

	mu    sync.Mutex
	state SyncState
	begun time.Time // of the present pass
	got   int64     // bytes that this pass fetched
	told  time.Time
}

// NewSyncer makes a syncer of the link's policy into dir.
func NewSyncer(l *Link, dir *content.Directory, pinned Pinned) *Syncer {
	return &Syncer{link: l, dir: dir, pinned: pinned}
}

// State is how far the content is now.
func (s *Syncer) State() SyncState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Changed returns a channel that is closed when State changes; at most once a
// second while bytes arrive.
func (s *Syncer) Changed() <-chan struct{} { return s.changed.Changed() }

// Refetch asks for another pass at once: a blob was found to be bad.
func (s *Syncer) Refetch() {
	s.mu.Lock()
	s.state.Complete = false
	s.mu.Unlock()
	s.kick.Notify()
	s.changed.Notify()
}

// Service returns the service that fetches after each change of policy.
func (s *Syncer) Service(log *slog.Logger) supervisor.Service {
	return supervisor.Func(func(ctx context.Context) error {
		if s.link.enrolled(ctx) == nil {
			return nil
		}
		delay := s.link.o.Retry
		for ctx.Err() == nil {
			kicked, policyChanged := s.kick.Changed(), s.link.Changed()
			before := s.link.Policy()
			err := s.pass(ctx, log)
			if ctx.Err() != nil {
				return nil
			}
			retry := time.Hour // nothing to do but to look whether the files are still there
			if err != nil {
				retry = delay.Next()
				log.Warn("content sync failed, tried again", "error", err, "in", retry.Round(time.Millisecond).String())
			} else {
				delay.Reset()
			}
			s.wait(ctx, before, kicked, policyChanged, retry)
		}
		return nil
	})
}

// wait returns when there is reason for another pass.
func (s *Syncer) wait(ctx context.Context, before *Policy, kicked, changed <-chan struct{}, retry time.Duration) {
	timer := time.NewTimer(retry)
	defer timer.Stop()
	for {
		select {
		case <-changed:
			changed = s.link.Changed()
			if s.link.Policy() != before {
				return
			}
		case <-kicked:
			return
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// pass fetches everything that lacks. One version that cannot be had does not
// hold up the others.
func (s *Syncer) pass(ctx context.Context, log *slog.Logger) error {
	p := s.link.Policy()
	if p == nil {
		return nil
	}
	wanted := WantedBy(p.Snapshot)
	pinned, err := s.pinned(ctx)
	if err != nil {
		return fmt.Errorf("content sync: %w", err)
	}
	for _, d := range pinned {
		if !slices.ContainsFunc(wanted, func(w Wanted) bool { return w.Digest == d }) {
			wanted = append(wanted, Wanted{Digest: d, Name: "content of a running job"})
		}
	}
	s.begin(wanted)
	var errs []error
	for _, w := range wanted {
		if s.dir.Complete(w.Digest) {
			continue
		}
		if err := s.fetch(ctx, w, wanted, log); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", w.Name, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	s.end(wanted, errors.Join(errs...))
	if len(errs) == 0 {
		s.sweep(wanted, log)
	}
	return errors.Join(errs...)
}

// fetch gets one version. If the disk is full, what nobody needs any more is
// removed first.
func (s *Syncer) fetch(ctx context.Context, w Wanted, all []Wanted, log *slog.Logger) error {
	id := s.link.Identity()
	src := s.link.source()
	log.Info("fetching", "content", w.Name, "digest", w.Digest, "bytes", w.Bytes)
	started := time.Now()
	get := func() error {
		return content.FetchVersion(ctx, s.dir, src, w.Digest, id.Anchor.Signing, func(n int64) { s.progress(w.Name, n) })
	}
	s.progress(w.Name, 0)
	err := get()
	var full *content.SpaceError
	if errors.As(err, &full) && s.sweep(all, log) > 0 {
		err = get()
	}
	if err != nil {
		return err
	}
	log.Info("fetched and verified", "content", w.Name, "digest", w.Digest, "duration", time.Since(started).Round(time.Millisecond).String())
	return nil
}

// sweep removes versions that neither policy nor a running job needs, and
// returns how many bytes that freed.
func (s *Syncer) sweep(wanted []Wanted, log *slog.Logger) int64 {
	var keep content.Keep
	for _, w := range wanted {
		keep.Manifests = append(keep.Manifests, w.Digest)
	}
	freed, err := s.dir.Sweep(keep)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("content that is no longer needed could not be removed", "error", err)
	}
	if freed > 0 {
		log.Info("removed content that is no longer needed", "bytes", freed)
	}
	return freed
}
