// Package storetest holds the suite that every implementation of store.Store
// must pass.
package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/site/store"
)

// Suite runs every test on a fresh store each.
func Suite(t *testing.T, open func(t *testing.T) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"objects": objects, "ids": ids, "atomic": atomic, "boxes": boxes, "tokens": tokens, "grants": grants,
		"events": events, "messages": messages, "jobs": jobs, "flight": flight, "audit": audit,
		"policies": policies, "credentials": credentials, "secrets": secrets, "serial": serial,
		"inventories": inventories, "frozen": frozen, "orders": orders, "used grants": usedGrants, "changes": changes,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var day = time.Date(2026, 12, 1, 18, 0, 0, 5, time.UTC)

func write(t *testing.T, s store.Store, f func(store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s store.Store, f func(store.Tx) error) {
	t.Helper()
	if err := s.Read(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error is %v, want %v", got, want)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("differs (-want +got):\n%s", d)
	}
}
