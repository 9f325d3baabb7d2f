package sitelink

import (
	"crypto/ed25519"
	"time"

	"github.com/bootward/bootward/content"
)

// upFor is how long the line counts as up after the site was heard: check-ins
// come each minute.
const upFor = 3 * time.Minute

// source is the site as a source of content.
func (l *Link) source() content.HTTPSource {
	return content.HTTPSource{Client: l.httpClient(), Base: l.o.Site.String(), Manifests: "/v1/box/manifests/", Blobs: "/v1/box/blobs/"}
}

// Up says whether the site answers now, as far as the last exchange tells.
func (l *Link) Up() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := l.o.Clock().Sub(l.heard)
	return l.identity != nil && l.failure == nil && !l.heard.IsZero() && since.Abs() < upFor
}

// Source is the site and the keys that sign its manifests; ok is false while the
// line is down.
func (l *Link) Source() (src content.Source, keys []ed25519.PublicKey, ok bool) {
	id := l.Identity()
	if id == nil || !l.Up() {
		return nil, nil, false
	}
	return l.source(), id.Anchor.Signing, true
}
