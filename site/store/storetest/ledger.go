package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/bootward/bootward/site/store"
)

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
