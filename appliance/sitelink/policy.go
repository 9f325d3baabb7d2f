package sitelink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

// Policy is a verified snapshot. It is not changed.
type Policy struct {
	Snapshot *policy.Snapshot
	Envelope []byte
	// Received is when the box put it in force.
	Received time.Time
}

// older says whether (epoch, number) of p, which may be nil, is less than that
// of s.
func (p *Policy) older(s *policy.Snapshot) bool {
	if p == nil {
		return true
	}
	o := p.Snapshot
	return s.Epoch > o.Epoch || s.Epoch == o.Epoch && s.Number > o.Number
}

// The files of the newest policy and of the one before.
const (
	currentFile  = "current.json"
	previousFile = "previous.json"
)

// pollTime is how long the site may hold the question for a new policy.
const pollTime = 45 * time.Second

// FollowPolicy returns the service that keeps the policy in force the newest.
func (l *Link) FollowPolicy(log *slog.Logger) supervisor.Service {
	return supervisor.Func(func(ctx context.Context) error {
		if l.enrolled(ctx) == nil {
			return nil
		}
		for l.exchange(ctx, log, "policy", func(ctx context.Context) error { return l.poll(ctx, log) }) {
		}
		return nil
	})
}

// poll asks once; the site holds the question until there is something newer.
func (l *Link) poll(ctx context.Context, log *slog.Logger) error {
	have := "0.0"
	if p := l.Policy(); p != nil {
		have = fmt.Sprintf("%d.%d", p.Snapshot.Epoch, p.Snapshot.Number)
	}
	query := url.Values{"have": {have}, "wait": {strconv.Itoa(int(pollTime.Seconds()))}, "logs": {"true"}}
	ctx, cancel := context.WithTimeout(ctx, pollTime+exchangeTime)
	defer cancel()
	started := time.Now()
	raw, head, code, err := request(ctx, l.httpClient(), l.o.Site.String(), api.RouteBoxPolicy, query.Encode(), nil)
	if err != nil {
		return err
	}
	wanted := head.Get(api.LogsWanted)
	if wanted != "" {
		l.note(nil) // the line is whole: a failure of before would end the logs that are wanted now
	}
	if err := l.logs.add(wanted); err != nil {
		log.Warn("the site asks for logs in a way that this box does not understand", "error", err)
	}
	if code == http.StatusNoContent {
		if time.Since(started) < time.Second {
			supervisor.Sleep(ctx, time.Second) // a site that does not hold the question is not to be flooded
		}
		return nil
	}
	s, err := l.verify(raw)
	if err != nil {
		return err
	}
	if !l.Policy().older(s) {
		return fmt.Errorf("policy %d.%d is not newer than %s: refused", s.Epoch, s.Number, have)
	}
	if err := l.keep(s, raw); err != nil {
		return err
	}
	log.Info("policy in force", "epoch", s.Epoch, "number", s.Number, "issued", s.IssuedAt.UTC().Format(time.RFC3339),
		"computers", len(s.Computers), "advertisements", len(s.Advertisements), "grants", len(s.Grants))
	return nil
}

// verify opens an envelope of policy and checks that it is for this box and
// that this program can honour it.
func (l *Link) verify(raw []byte) (*policy.Snapshot, error) {
	id := l.Identity()
	payload, err := trust.Open(raw, trust.TypePolicy, id.Anchor.Signing)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	var s policy.Snapshot
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	switch {
	case s.Format != policy.Format:
		return nil, fmt.Errorf("policy %d.%d: format %d, this box reads format %d: update the box", s.Epoch, s.Number, s.Format, policy.Format)
	case len(unknownFeatures(s.Requires)) > 0:
		return nil, fmt.Errorf("policy %d.%d requires %s, which this box does not know: update the box", s.Epoch, s.Number, strings.Join(unknownFeatures(s.Requires), ", "))
	case s.Site != id.Site || s.Box.ID != id.Box:
		return nil, fmt.Errorf("policy %d.%d is for box %s of site %s, this is box %s of site %s", s.Epoch, s.Number, s.Box.ID, s.Site, id.Box, id.Site)
	}
	return &s, nil
}

// unknownFeatures lists what a policy requires and this program does not know.
func unknownFeatures(requires []string) []string {
	return slices.DeleteFunc(slices.Clone(requires), func(f string) bool { return slices.Contains(policy.Features(), f) })
}

// keep puts a policy on the disk, then in force. The one before stays beside it.
func (l *Link) keep(s *policy.Snapshot, raw []byte) error {
	current := l.path(policyDir, currentFile)
	old, err := os.ReadFile(current)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("policy: %w", err)
	}
	if err == nil {
		if err := durable.Write(l.path(policyDir, previousFile), old, 0o600); err != nil {
			return fmt.Errorf("policy: %w", err)
		}
	}
	if err := durable.Write(current, raw, 0o600); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	l.mu.Lock()
	l.policy = &Policy{Snapshot: s, Envelope: raw, Received: l.o.Clock()}
	l.mu.Unlock()
	l.changed.Notify()
	return nil
}

// loadPolicy reads the newest policy that is sound; nil if there is none.
func (l *Link) loadPolicy(log *slog.Logger) *Policy {
	for _, name := range []string{currentFile, previousFile} {
		path := l.path(policyDir, name)
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var s *policy.Snapshot
		if err == nil {
			s, err = l.verify(raw)
		}
		if err != nil {
			log.Warn("policy on the disk is not usable", "file", path, "error", err)
			continue
		}
		received := l.o.Clock()
		if info, err := os.Stat(path); err == nil {
			received = info.ModTime()
		}
		return &Policy{Snapshot: s, Envelope: raw, Received: received}
	}
	return nil
}
