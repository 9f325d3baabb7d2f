package site

import (
	"testing"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
)

// TestNewestGrantOfOneSecond: times of issue are whole seconds, and IDs are
// random. A grant that was issued again within the second must not lose against
// the one that was spent.
func TestNewestGrantOfOneSecond(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s := &policy.Snapshot{
		Computers:      []osd.Computer{{Meta: osd.Meta{ID: "C1"}}},
		Advertisements: []osd.Advertisement{{Meta: osd.Meta{ID: "A1"}, Sequence: "Wipe"}},
		Sequences:      []policy.Sequence{{Name: "Wipe", Digest: "d"}},
	}
	grant := func(id string, at time.Time) store.Grant {
		return store.Grant{Envelope: []byte("e"), Grant: policy.Grant{ID: id, Computer: "C1", Advertisement: "A1", Sequence: "d", IssuedAt: at, ExpiresAt: now.Add(time.Hour)}}
	}
	for _, c := range []struct {
		name   string
		grants []store.Grant // in the order of issue
		want   string
	}{
		{"the later ID sorts first", []store.Grant{grant("z", now), grant("a", now)}, "a"},
		{"the later ID sorts last", []store.Grant{grant("a", now), grant("z", now)}, "z"},
		{"the clock went back", []store.Grant{grant("a", now), grant("z", now.Add(-time.Second))}, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := liveGrants(s, c.grants, now)
			if len(got) != 1 || got[0].ID != c.want {
				t.Errorf("live grants %v, want %s", got, c.want)
			}
		})
	}
}
