package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/bootward/bootward/site/store"
)

func boxes(t *testing.T, s store.Store) {
	b := store.Box{ID: "CEN00001", Certificate: "aa", StateID: "s1", EnrolledAt: day}
	write(t, s, func(x store.Tx) error { return x.PutBox(b) })
	b.Certificate, b.LastSeen, b.CheckIn = "bb", day.Add(time.Minute), []byte(`{"ready":true}`)
	write(t, s, func(x store.Tx) error { return x.PutBox(b) })
	read(t, s, func(x store.Tx) error {
		got, err := x.Box(b.ID)
		same(t, got, b)
		wantErr(t, err, nil)
		got, err = x.BoxByCertificate("bb")
		same(t, got, b)
		wantErr(t, err, nil)
		_, err = x.BoxByCertificate("aa")
		wantErr(t, err, store.ErrNotFound)
		all, err := x.Boxes()
		same(t, all, []store.Box{b})
		return err
	})
	write(t, s, func(x store.Tx) error { return errors.Join(x.DeleteBox(b.ID), x.DeleteBox(b.ID)) })
	read(t, s, func(x store.Tx) error {
		_, err := x.Box(b.ID)
		wantErr(t, err, store.ErrNotFound)
		return nil
	})
}

func tokens(t *testing.T, s store.Store) {
	by := "box"
	use := func(hash string, now time.Time) (got store.Token, err error) {
		err = s.Write(t.Context(), func(x store.Tx) error {
			got, err = x.UseToken(hash, by, now)
			return err
		})
		return got, err
	}
	put := func(hash string) {
		write(t, s, func(x store.Tx) error {
			return x.PutToken(store.Token{Hash: hash, Box: "CEN00001", ExpiresAt: day.Add(time.Hour)})
		})
	}
	put("old")
	put("h1")
	_, err := use("old", day)
	wantErr(t, err, store.ErrNotFound) // a new token voids the old one
	_, err = use("h1", day.Add(time.Hour))
	wantErr(t, err, store.ErrConflict)
	got, err := use("h1", day)
	wantErr(t, err, nil)
	same(t, got, store.Token{Hash: "h1", Box: "CEN00001", ExpiresAt: day.Add(time.Hour)})
	_, err = use("h1", day) // the answer was lost
	wantErr(t, err, nil)
	_, err = use("h1", day.Add(time.Hour))
	wantErr(t, err, store.ErrConflict)
	for _, by = range []string{"somebody else", ""} {
		_, err = use("h1", day)
		wantErr(t, err, store.ErrConflict)
	}
	by = "box"
	put("h2")
	_, err = use("h1", day) // also for who used it
	wantErr(t, err, store.ErrNotFound)
}
