package sitelink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/policy"
)

// Wanted is one version of content that the box must hold.
type Wanted struct {
	Digest string
	Name   string // kind and name, for people
	Bytes  int64
}

// WantedBy lists what a policy needs, boot images first: with them the box can
// answer. Each digest is listed once.
func WantedBy(s *policy.Snapshot) []Wanted {
	var all []Wanted
	seen := map[string]bool{}
	add := func(kind, name, digest string, bytes int64) {
		if digest != "" && !seen[digest] {
			seen[digest] = true
			all = append(all, Wanted{digest, kind + " " + name, bytes})
		}
	}
	for _, b := range s.BootImages {
		add("boot image", b.Name, b.Manifest, b.Bytes)
	}
	for _, p := range s.Packages {
		add("package", p.Name, p.Manifest, p.Bytes)
	}
	for _, i := range s.Images {
		add("image", i.Name, i.Manifest, i.Bytes)
	}
	slices.SortStableFunc(all, func(a, b Wanted) int {
		return cmp.Compare(rank(a), rank(b))
	})
	return all
}

// rank brings boot images first, then small things: they are ready soon.
func rank(w Wanted) int64 {
	if strings.HasPrefix(w.Name, "boot image ") {
		return -1
	}
	return w.Bytes
}

// SyncState is how far the box's content is.
type SyncState struct {
	Wanted, Held int64  // bytes
	Fetching     string // what is fetched now, "" if nothing is
	Rate         float64
	Left         time.Duration // 0 if not known
	Complete     bool          // everything that policy needs is there and was verified
	Err          error         // of the last pass
}

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

// begin counts what is there.
func (s *Syncer) begin(wanted []Wanted) {
	held, total := s.count(wanted)
	s.mu.Lock()
	s.begun, s.got = time.Now(), 0
	s.state.Wanted, s.state.Held = total, held
	s.state.Complete = held == total && s.state.Complete
	s.mu.Unlock()
	s.changed.Notify()
}

// count adds up bytes: of a version that is not whole, the bytes of its files
// that are.
func (s *Syncer) count(wanted []Wanted) (held, total int64) {
	for _, w := range wanted {
		total += w.Bytes
		if s.dir.Complete(w.Digest) {
			held += w.Bytes
		}
	}
	return held, total
}

func (s *Syncer) progress(name string, n int64) {
	s.mu.Lock()
	s.got += n
	st := &s.state
	st.Fetching = name
	st.Held = min(st.Held+n, st.Wanted)
	if took := time.Since(s.begun).Seconds(); took > 0.5 && s.got > 0 {
		st.Rate = float64(s.got) / took
		st.Left = time.Duration(float64(st.Wanted-st.Held) / st.Rate * float64(time.Second))
	}
	tell := time.Since(s.told) >= time.Second
	if tell {
		s.told = time.Now()
	}
	s.mu.Unlock()
	if tell {
		s.changed.Notify()
	}
}

func (s *Syncer) end(wanted []Wanted, err error) {
	held, total := s.count(wanted)
	s.mu.Lock()
	s.state = SyncState{Wanted: total, Held: held, Complete: err == nil, Err: err}
	s.mu.Unlock()
	s.changed.Notify()
}
