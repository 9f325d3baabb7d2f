package storetest

import (
	"testing"
	"time"

	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
)

func inventories(t *testing.T, s store.Store) {
	write(t, s, func(x store.Tx) error { return x.PutInventory("C1", []byte("one")) })
	write(t, s, func(x store.Tx) error { return x.PutInventory("C1", []byte("two")) })
	write(t, s, func(x store.Tx) error { return x.PutInventory("C2", []byte("three")) })
	write(t, s, func(x store.Tx) error { return x.DeleteInventory("C2") })
	read(t, s, func(x store.Tx) error {
		got, err := x.Inventories()
		same(t, got, map[string][]byte{"C1": []byte("two")})
		return err
	})
}

func frozen(t *testing.T, s store.Store) {
	f := store.Frozen{Collection: "K1", At: day, Members: []string{"C1", "C2"}}
	write(t, s, func(x store.Tx) error { return x.PutFrozen(store.Frozen{Collection: "K1", At: day.Add(-time.Hour)}) })
	write(t, s, func(x store.Tx) error { return x.PutFrozen(f) })
	write(t, s, func(x store.Tx) error { return x.PutFrozen(store.Frozen{Collection: "K2", At: day}) })
	write(t, s, func(x store.Tx) error { return x.DeleteFrozen("K2") })
	read(t, s, func(x store.Tx) error {
		got, err := x.FrozenCollections()
		same(t, got, map[string]store.Frozen{"K1": f})
		return err
	})
}

func orders(t *testing.T, s store.Store) {
	one := store.Order{Box: "B1", Order: policy.Order{ID: "o1", Kind: policy.OrderResume, By: "ann", IssuedAt: day, ExpiresAt: day.Add(time.Hour)}}
	two := store.Order{Box: "B1", Order: policy.Order{ID: "o2", Kind: policy.OrderClearPXE, Computers: []string{"C1"}, By: "ann", IssuedAt: day, ExpiresAt: day.Add(2 * time.Hour)}}
	for _, o := range []store.Order{one, two, {Box: "B2", Order: policy.Order{ID: "o3", ExpiresAt: day.Add(time.Hour)}}} {
		write(t, s, func(x store.Tx) error { return x.AddOrder(o) })
	}
	wantErr(t, s.Write(t.Context(), func(x store.Tx) error { return x.AddOrder(one) }), store.ErrConflict)
	read(t, s, func(x store.Tx) error {
		got, err := x.Orders("B1", day)
		same(t, got, []store.Order{one, two})
		if err != nil {
			return err
		}
		got, err = x.Orders("B1", day.Add(time.Hour))
		same(t, got, []store.Order{two})
		return err
	})
}
