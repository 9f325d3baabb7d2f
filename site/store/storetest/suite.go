// Package storetest holds the suite that every implementation of store.Store
// must pass.
package storetest

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
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

func events(t *testing.T, s store.Store) {
	write(t, s, func(x store.Tx) error { return x.SetNextEvent("CEN00001", "s1", 8) })
	write(t, s, func(x store.Tx) error { return x.SetNextEvent("CEN00001", "s1", 9) })
	read(t, s, func(x store.Tx) error {
		for state, want := range map[string]uint64{"s1": 9, "s2": 1} {
			got, err := x.NextEvent("CEN00001", state)
			wantErr(t, err, nil)
			same(t, got, want)
		}
		return nil
	})
}

func message(job string, n uint64, id status.MessageID, at time.Duration) status.Message {
	return status.Message{Job: job, Number: n, ID: id, Time: day.Add(at), Computer: "ward7-pc1", Advertisement: "adv"}
}

func messages(t *testing.T, s store.Store) {
	one, two := message("j1", 1, status.SequenceStarted, 0), message("j2", 1, status.SequenceStarted, 1)
	two.Computer = "ward7-pc2"
	again := one
	again.Output = "other"
	write(t, s, func(x store.Tx) error {
		return errors.Join(x.AddMessage("CEN00001", one), x.AddMessage("CEN00001", two), x.AddMessage("CEN00001", again))
	})
	read(t, s, func(x store.Tx) error {
		box, err := x.JobBox("j1")
		wantErr(t, err, nil)
		same(t, box, "CEN00001")
		_, err = x.JobBox("j9")
		wantErr(t, err, store.ErrNotFound)
		all, err := x.Messages(store.MessageFilter{Advertisement: "adv"})
		wantErr(t, err, nil)
		same(t, all, []store.StoredMessage{{Sequence: all[0].Sequence, Box: "CEN00001", Message: one}, {Sequence: all[1].Sequence, Box: "CEN00001", Message: two}})
		for name, c := range map[string]struct {
			f    store.MessageFilter
			want int
		}{
			"computer": {store.MessageFilter{Computer: "ward7-pc2"}, 1}, "job": {store.MessageFilter{Job: "j1"}, 1},
			"after": {store.MessageFilter{After: all[0].Sequence}, 1}, "limit": {store.MessageFilter{Limit: 1}, 1},
			"none": {store.MessageFilter{Job: "j9"}, 0},
		} {
			got, err := x.Messages(c.f)
			if err != nil || len(got) != c.want {
				t.Errorf("%s: %d messages, %v; want %d", name, len(got), err, c.want)
			}
		}
		return nil
	})
}

func jobs(t *testing.T, s store.Store) {
	last := message("j1", 3, status.RebootInitiated, 3)
	end := message("j2", 2, status.SequenceCompleted, 11)
	write(t, s, func(x store.Tx) error { // the last one arrives before the second
		return errors.Join(x.AddMessage("b", message("j1", 1, status.SequenceStarted, 1)), x.AddMessage("b", last),
			x.AddMessage("b", message("j1", 2, status.ActionCompleted, 2)),
			x.AddMessage("b", message("j2", 1, status.SequenceStarted, 10)), x.AddMessage("c", end))
	})
	read(t, s, func(x store.Tx) error {
		got, err := x.Jobs()
		same(t, got, []store.Job{
			{Box: "c", First: message("j2", 1, status.SequenceStarted, 10), Last: end, Final: &end},
			{Box: "b", First: message("j1", 1, status.SequenceStarted, 1), Last: last},
		})
		return err
	})
}

func flight(t *testing.T, s store.Store) {
	write(t, s, func(x store.Tx) error {
		for i, client := range []string{"a", "b", "a"} {
			if err := x.AddFlight("box", status.FlightEvent{Client: client, Bytes: int64(i), Time: day, What: "tftp"}); err != nil {
				return err
			}
		}
		return nil
	})
	read(t, s, func(x store.Tx) error {
		got, err := x.Flight("a", 10)
		wantErr(t, err, nil)
		same(t, got, []status.FlightEvent{{Client: "a", Time: day, What: "tftp"}, {Client: "a", Bytes: 2, Time: day, What: "tftp"}})
		got, err = x.Flight("", 1)
		same(t, got[0].Bytes, int64(2))
		return err
	})
}

func audit(t *testing.T, s store.Store) {
	e := store.AuditEntry{Time: day, Who: "ann", What: "grant", Object: "x", Text: "y"}
	write(t, s, func(x store.Tx) error { return errors.Join(x.AddAudit(e), x.AddAudit(e)) })
	read(t, s, func(x store.Tx) error {
		got, err := x.AuditLog(1, 10)
		e.Number = 2
		same(t, got, []store.AuditEntry{e})
		return err
	})
}

func policies(t *testing.T, s store.Store) {
	var p store.Policy
	write(t, s, func(x store.Tx) error {
		epoch, err := x.Epoch()
		wantErr(t, err, nil)
		n1, err := x.NextPolicyNumber()
		wantErr(t, err, nil)
		n2, err := x.NextPolicyNumber()
		wantErr(t, err, nil)
		if n2 != n1+1 {
			t.Errorf("numbers %d, %d", n1, n2)
		}
		p = store.Policy{Box: "b", Epoch: epoch, Number: n2, Digest: "d", IssuedAt: day, Envelope: []byte("e")}
		return x.PutPolicy(p)
	})
	write(t, s, func(x store.Tx) error {
		e, err := x.RaiseEpoch()
		same(t, e, uint64(2))
		return err
	})
	read(t, s, func(x store.Tx) error {
		got, err := x.Policy("b")
		same(t, got, p)
		wantErr(t, err, nil)
		_, err = x.Policy("c")
		wantErr(t, err, store.ErrNotFound)
		return nil
	})
}

func credentials(t *testing.T, s store.Store) {
	end := day.Add(time.Hour)
	all := []store.Credential{
		{Hash: "h", Kind: store.CredentialToken, Person: "ann"},
		{Hash: "c", Kind: store.CredentialCertificate, Person: "ann", ExpiresAt: end, Serial: "0A1B", MadeAt: day, MadeBy: "eve"},
		{Hash: "b", Kind: store.CredentialToken, Person: "ben"},
	}
	write(t, s, func(x store.Tx) error {
		for _, c := range all {
			if err := x.AddCredential(c); err != nil {
				return err
			}
		}
		return nil
	})
	wantErr(t, s.Write(t.Context(), func(x store.Tx) error {
		return x.AddCredential(store.Credential{Hash: "h", Kind: "token", Person: "eve"})
	}), store.ErrConflict)
	read(t, s, func(x store.Tx) error {
		for _, c := range all {
			got, err := x.Credential(c.Hash, day)
			if err != nil {
				return err
			}
			same(t, got, c)
		}
		_, err := x.Credential("c", end)
		wantErr(t, err, store.ErrNotFound)
		_, err = x.Credential("x", day)
		wantErr(t, err, store.ErrNotFound)
		listed, err := x.Credentials()
		same(t, listed, []store.Credential{all[1], all[0], all[2]})
		return err
	})
	write(t, s, func(x store.Tx) error { return x.DeleteCredentials("ann", store.CredentialToken) })
	read(t, s, func(x store.Tx) error {
		_, err := x.Credential("h", day)
		wantErr(t, err, store.ErrNotFound)
		_, err = x.Credential("c", day)
		wantErr(t, err, nil)
		return nil
	})
	write(t, s, func(x store.Tx) error { return x.DeleteCredentials("ann", "") })
	read(t, s, func(x store.Tx) error {
		_, err := x.Credential("c", day)
		wantErr(t, err, store.ErrNotFound)
		_, err = x.Credential("b", day)
		wantErr(t, err, nil)
		return nil
	})
}

func secrets(t *testing.T, s store.Store) {
	one := store.Secret{Kind: "secret", Object: "CEN00001", Revision: 1, Sealed: []byte{1, 0, 2}}
	two := store.Secret{Kind: "pin", Object: "CEN00002", Revision: 4, Sealed: []byte{3}}
	of := store.BoxSecret{Secret: one, Box: "CEN00009", StateID: "s"}
	write(t, s, func(x store.Tx) error { return errors.Join(x.PutSecret(one), x.PutSecret(two), x.PutBoxSecret(of)) })
	one.Revision, one.Sealed = 2, []byte{9}
	write(t, s, func(x store.Tx) error { return x.PutSecret(one) })
	read(t, s, func(x store.Tx) error {
		all, err := x.Secrets()
		same(t, all, []store.Secret{two, one})
		boxes, err2 := x.BoxSecrets("CEN00009")
		same(t, boxes, []store.BoxSecret{of})
		none, err3 := x.BoxSecrets("CEN00008")
		same(t, len(none), 0)
		return errors.Join(err, err2, err3)
	})
	of.Revision, of.StateID = 2, "t"
	write(t, s, func(x store.Tx) error { return x.PutBoxSecret(of) })
	read(t, s, func(x store.Tx) error {
		boxes, err := x.BoxSecrets("CEN00009")
		same(t, boxes, []store.BoxSecret{of})
		return err
	})
	write(t, s, func(x store.Tx) error {
		return errors.Join(x.DeleteSecret("secret", "CEN00001"), x.DeleteSecret("secret", "nothing"))
	})
	read(t, s, func(x store.Tx) error {
		all, err := x.Secrets()
		same(t, all, []store.Secret{two})
		boxes, err2 := x.BoxSecrets("CEN00009")
		same(t, len(boxes), 0)
		return errors.Join(err, err2)
	})
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
