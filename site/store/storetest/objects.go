package storetest

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
)

func objects(t *testing.T, s store.Store) {
	a := store.Object{Kind: osd.KindComputer, ID: "CEN00001", Name: "ward7-pc1", Document: []byte(`{"a":1}`)}
	b := store.Object{Kind: osd.KindComputer, ID: "CEN00002", Name: "another", Document: []byte(`{}`)}
	c := store.Object{Kind: osd.KindBox, ID: "CEN00003", Name: "ward7-pc1", Document: []byte(`{}`)}
	write(t, s, func(x store.Tx) error { return errors.Join(x.PutObject(a), x.PutObject(b), x.PutObject(c)) })
	a.Name, a.Document = "renamed", []byte(`{"a":2}`)
	write(t, s, func(x store.Tx) error { return x.PutObject(a) })
	read(t, s, func(x store.Tx) error {
		for _, key := range []string{"renamed", "CEN00001"} {
			got, err := x.Object(osd.KindComputer, key)
			same(t, got, a)
			wantErr(t, err, nil)
		}
		_, err := x.Object(osd.KindComputer, "ward7-pc1")
		wantErr(t, err, store.ErrNotFound)
		all, err := x.Objects(osd.KindComputer)
		same(t, all, []store.Object{b, a})
		return err
	})
	taken := b
	taken.ID = "CEN00009"
	wantErr(t, s.Write(t.Context(), func(x store.Tx) error { return x.PutObject(taken) }), store.ErrConflict)
	write(t, s, func(x store.Tx) error { return x.DeleteObject(b.ID) })
	wantErr(t, s.Write(t.Context(), func(x store.Tx) error { return x.DeleteObject(b.ID) }), store.ErrNotFound)
}

func ids(t *testing.T, s store.Store) {
	var got []string
	for range 11 {
		write(t, s, func(x store.Tx) error {
			id, err := x.NextID("CEN")
			got = append(got, id)
			return err
		})
	}
	same(t, []string{got[0], got[9], got[10]}, []string{"CEN00001", "CEN0000A", "CEN0000B"})
}

func changes(t *testing.T, s store.Store) {
	var numbers []uint64
	for range 2 {
		write(t, s, func(x store.Tx) error { return x.NoteChange() })
		read(t, s, func(x store.Tx) error {
			n, err := x.Change()
			numbers = append(numbers, n)
			return err
		})
	}
	if numbers[1] != numbers[0]+1 {
		t.Errorf("changes %v", numbers)
	}
}

func atomic(t *testing.T, s store.Store) {
	stop := errors.New("stop")
	err := s.Write(t.Context(), func(x store.Tx) error {
		return errors.Join(x.PutObject(store.Object{Kind: osd.KindBox, ID: "CEN00001", Name: "b", Document: []byte(`{}`)}),
			x.AddAudit(store.AuditEntry{Time: day, Who: "ann", What: "apply"}), stop)
	})
	wantErr(t, err, stop)
	read(t, s, func(x store.Tx) error {
		_, err := x.Object(osd.KindBox, "b")
		wantErr(t, err, store.ErrNotFound)
		log, err := x.AuditLog(0, 10)
		same(t, len(log), 0)
		return err
	})
	if err := s.Read(t.Context(), func(x store.Tx) error { return x.DeleteBox("CEN00001") }); err == nil {
		t.Error("a write inside Read was taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Write(ctx, func(store.Tx) error { return nil }); err == nil {
		t.Error("a write with an ended context was taken")
	}
}

func serial(t *testing.T, s store.Store) {
	var mu sync.Mutex
	seen := map[uint64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if err := s.Write(t.Context(), func(x store.Tx) error {
					n, err := x.NextPolicyNumber()
					mu.Lock()
					defer mu.Unlock()
					seen[n] = true
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	wantErr(t, s.Backup(t.Context(), file), nil)
	wg.Wait()
	same(t, len(seen), 40)
	if err := s.Backup(t.Context(), file); err == nil {
		t.Error("a backup over a file that exists was made")
	}
}
