package sqlite

import (
	"fmt"
	"time"

	"github.com/bootward/bootward/site/store"
)

func (x *tx) AddCredential(c store.Credential) error {
	_, err := x.exec("INSERT INTO credentials (hash, kind, person, expires_at, serial, made_at, made_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
		c.Hash, c.Kind, c.Person, stamp(c.ExpiresAt), c.Serial, stamp(c.MadeAt), c.MadeBy)
	if err != nil {
		return fmt.Errorf("add %s of %s: %w", c.Kind, c.Person, err)
	}
	return nil
}

func (x *tx) Credential(hash string, now time.Time) (store.Credential, error) {
	c := store.Credential{Hash: hash}
	err := x.one([]any{&c.Kind, &c.Person, moment{&c.ExpiresAt}, &c.Serial, moment{&c.MadeAt}, &c.MadeBy},
		"SELECT kind, person, expires_at, serial, made_at, made_by FROM credentials WHERE hash = ?", hash)
	if err == nil && !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt) {
		err = store.ErrNotFound
	}
	if err != nil {
		return c, fmt.Errorf("credential: %w", err)
	}
	return c, nil
}

func (x *tx) Credentials() ([]store.Credential, error) {
	var all []store.Credential
	err := x.each(func(scan func(...any) error) error {
		var c store.Credential
		if err := scan(&c.Hash, &c.Kind, &c.Person, moment{&c.ExpiresAt}, &c.Serial, moment{&c.MadeAt}, &c.MadeBy); err != nil {
			return err
		}
		all = append(all, c)
		return nil
	}, "SELECT hash, kind, person, expires_at, serial, made_at, made_by FROM credentials ORDER BY person, hash")
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	return all, nil
}

func (x *tx) DeleteCredentials(person, kind string) error {
	if _, err := x.exec("DELETE FROM credentials WHERE person = ?1 AND (kind = ?2 OR ?2 = '')", person, kind); err != nil {
		return fmt.Errorf("forget credentials of %s: %w", person, err)
	}
	return nil
}

func (x *tx) Secrets() ([]store.Secret, error) {
	var all []store.Secret
	err := x.each(func(scan func(...any) error) error {
		var s store.Secret
		if err := scan(&s.Kind, &s.Object, &s.Revision, &s.Sealed); err != nil {
			return err
		}
		all = append(all, s)
		return nil
	}, "SELECT kind, object, revision, sealed FROM secrets ORDER BY kind, object")
	if err != nil {
		return nil, fmt.Errorf("list secrets: %w", err)
	}
	return all, nil
}

func (x *tx) PutSecret(s store.Secret) error {
	_, err := x.exec(`INSERT INTO secrets (kind, object, revision, sealed) VALUES (?, ?, ?, ?)
		ON CONFLICT (kind, object) DO UPDATE SET revision = excluded.revision, sealed = excluded.sealed`, s.Kind, s.Object, s.Revision, s.Sealed)
	if err != nil {
		return fmt.Errorf("put %s of %s: %w", s.Kind, s.Object, err)
	}
	return nil
}

func (x *tx) DeleteSecret(kind, object string) error {
	_, err := x.exec("DELETE FROM secrets WHERE kind = ? AND object = ?", kind, object)
	if err == nil {
		_, err = x.exec("DELETE FROM box_secrets WHERE kind = ? AND object = ?", kind, object)
	}
	if err != nil {
		return fmt.Errorf("forget %s of %s: %w", kind, object, err)
	}
	return nil
}

func (x *tx) BoxSecrets(box string) ([]store.BoxSecret, error) {
	var all []store.BoxSecret
	err := x.each(func(scan func(...any) error) error {
		s := store.BoxSecret{Box: box}
		if err := scan(&s.Kind, &s.Object, &s.Revision, &s.StateID, &s.Sealed); err != nil {
			return err
		}
		all = append(all, s)
		return nil
	}, "SELECT kind, object, revision, state_id, sealed FROM box_secrets WHERE box = ? ORDER BY kind, object", box)
	if err != nil {
		return nil, fmt.Errorf("list secrets of box %s: %w", box, err)
	}
	return all, nil
}

func (x *tx) PutBoxSecret(s store.BoxSecret) error {
	_, err := x.exec(`INSERT INTO box_secrets (box, kind, object, revision, state_id, sealed) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (box, kind, object) DO UPDATE SET revision = excluded.revision, state_id = excluded.state_id, sealed = excluded.sealed`,
		s.Box, s.Kind, s.Object, s.Revision, s.StateID, s.Sealed)
	if err != nil {
		return fmt.Errorf("put %s of %s for box %s: %w", s.Kind, s.Object, s.Box, err)
	}
	return nil
}
