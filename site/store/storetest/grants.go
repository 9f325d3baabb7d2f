package storetest

import (
	"testing"
	"time"

	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
)

func grants(t *testing.T, s store.Store) {
	g := store.Grant{Box: "CEN00001", Grant: policy.Grant{ID: "g1", Computer: "CEN00002", Advertisement: "CEN00003", Sequence: "sha256:a",
		MACs: []string{"52:54:00:77:00:11"}, IssuedBy: "ann", IssuedAt: day, ExpiresAt: day.AddDate(0, 0, 14)}}
	write(t, s, func(x store.Tx) error { return x.AddGrant(g) })
	wantErr(t, s.Write(t.Context(), func(x store.Tx) error { return x.AddGrant(g) }), store.ErrConflict)
	write(t, s, func(x store.Tx) error { return x.BindGrant("g1", "s1", []byte("envelope")) })
	wantErr(t, s.Write(t.Context(), func(x store.Tx) error { return x.BindGrant("g1", "s2", []byte("other")) }), store.ErrConflict)
	wantErr(t, s.Write(t.Context(), func(x store.Tx) error { return x.BindGrant("g2", "s2", nil) }), store.ErrNotFound)
	g.StateID, g.Envelope = "s1", []byte("envelope")
	read(t, s, func(x store.Tx) error {
		for _, f := range []store.GrantFilter{{}, {Box: "CEN00001"}, {Advertisement: "CEN00003", Computer: "CEN00002"}} {
			got, err := x.Grants(f)
			wantErr(t, err, nil)
			same(t, got, []store.Grant{g})
		}
		got, err := x.Grants(store.GrantFilter{Box: "CEN00009"})
		same(t, len(got), 0)
		return err
	})
	later := g
	later.ID, later.StateID, later.Envelope = "a-later-grant", "", nil // before the first by name
	write(t, s, func(x store.Tx) error { return x.AddGrant(later) })
	read(t, s, func(x store.Tx) error {
		got, err := x.Grants(store.GrantFilter{})
		same(t, got, []store.Grant{g, later})
		return err
	})
}

func usedGrants(t *testing.T, s store.Store) {
	write(t, s, func(x store.Tx) error { return x.AddGrant(store.Grant{Box: "B1", Grant: policy.Grant{ID: "g1"}}) })
	write(t, s, func(x store.Tx) error { return x.SetGrantUsed("g1", "B1", day) })
	wantErr(t, s.Write(t.Context(), func(x store.Tx) error { return x.SetGrantUsed("g1", "B2", day) }), store.ErrNotFound)
	for _, want := range []time.Time{day, {}} {
		write(t, s, func(x store.Tx) error { return x.SetGrantUsed("g1", "B1", want) })
		read(t, s, func(x store.Tx) error {
			got, err := x.Grants(store.GrantFilter{})
			if err == nil && !got[0].UsedAt.Equal(want) {
				t.Errorf("used at %s, want %s", got[0].UsedAt, want)
			}
			return err
		})
	}
}
