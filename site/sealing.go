package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

func makeSealingKey(path string) error {
	key, err := trust.NewSealingKey()
	if err != nil {
		return err
	}
	text, err := key.PEM()
	if err != nil {
		return err
	}
	return durable.Write(path, text, 0o600)
}

// loadSealingKey reads the key, or makes it for a site that was made before
// there were secrets. A site that lost it is not opened: with another one nobody
// would notice until a box gets no policy, or a deployment no secrets.
func (s *Site) loadSealingKey(ctx context.Context, path string) error {
	var kept []store.Secret
	err := s.store.Read(ctx, func(x store.Tx) (err error) {
		kept, err = x.Secrets()
		return err
	})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && len(kept) == 0 {
		if err := makeSealingKey(path); err != nil {
			return fmt.Errorf("key %s: %w", path, err)
		}
		text, err = os.ReadFile(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("key %s: it is gone, and %d values of the database are sealed to it: bring it back from a backup", path, len(kept))
	} else if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if s.keys.Sealing, err = trust.ParseSealingPEM(text); err != nil {
		return fmt.Errorf("key %s: %w", path, err)
	}
	for _, k := range kept {
		v := policy.Sealed{Kind: k.Kind, Object: k.Object, Revision: k.Revision}
		if _, err := s.keys.Sealing.Open(v.Context(""), k.Sealed); err != nil {
			return fmt.Errorf("key %s: it does not open the %s of %s: bring the right one back from a backup: %w", path, k.Kind, k.Object, err)
		}
	}
	return nil
}

// errUnsealed says that a value has yet to be sealed to a box.
var errUnsealed = errors.New("a value is not sealed to the box yet")

// neededBy lists the values that a box needs, without ciphertext: the secrets of
// the sequences in its snapshot, the PINs of those who may do something there,
// its PXE password. Nothing of other wards. It is pure.
func neededBy(w world, b *osd.Box, snapshot *policy.Snapshot, kept []store.Secret) []policy.Sealed {
	names := map[string]string{policy.SealedPassword + b.ID: b.Name}
	for _, q := range snapshot.Sequences {
		for _, name := range q.Secrets {
			if o := w.kinds[osd.KindSecret][name]; o != nil {
				names[policy.SealedSecret+meta(o).ID] = name
			}
		}
	}
	for _, p := range all[*osd.Person](w, osd.KindPerson) {
		if p.At(b.Name) {
			names[policy.SealedPIN+p.ID] = p.Name
		}
	}
	var out []policy.Sealed
	for _, k := range kept { // by kind and object
		if name, ok := names[k.Kind+k.Object]; ok {
			out = append(out, policy.Sealed{Kind: k.Kind, Object: k.Object, Name: name, Revision: k.Revision})
		}
	}
	return out
}

// sealed lists the values that an enrolled box needs, sealed to its key. One
// that was sealed before is taken from the store, so that policy that has not
// changed stays the same; what is new is sealed and kept if write says so, and
// errUnsealed otherwise.
func (s *Site) sealed(x store.Tx, w world, b *osd.Box, snapshot *policy.Snapshot, write bool) ([]policy.Sealed, error) {
	enrolled, err := x.Box(b.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && enrolled.SealingKey == nil {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	kept, err := x.Secrets()
	if err != nil {
		return nil, err
	}
	need := neededBy(w, b, snapshot, kept)
	if len(need) == 0 {
		return nil, nil
	}
	have, err := x.BoxSecrets(b.ID)
	if err != nil {
		return nil, err
	}
	for i, v := range need {
		if need[i].Ciphertext = sealedBefore(have, v, sealState(enrolled)); need[i].Ciphertext != nil {
			continue
		}
		if !write {
			return nil, errUnsealed
		}
		if need[i].Ciphertext, err = s.sealTo(x, enrolled, v, kept); err != nil {
			return nil, fmt.Errorf("%s of %q for %s: %w", v.Kind, v.Name, title(b), err)
		}
	}
	return need, nil
}

// unsealed lists the values that a box would get, without ciphertext: for
// questions about policy.
func unsealed(x store.Tx, w world, b *osd.Box, snapshot *policy.Snapshot) ([]policy.Sealed, error) {
	enrolled, err := x.Box(b.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && enrolled.SealingKey == nil {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	kept, err := x.Secrets()
	return neededBy(w, b, snapshot, kept), err
}

func sealedBefore(have []store.BoxSecret, v policy.Sealed, state string) []byte {
	for _, h := range have {
		if h.Kind == v.Kind && h.Object == v.Object && h.Revision == v.Revision && h.StateID == state {
			return h.Sealed
		}
	}
	return nil
}

// sealState names the state of a box to which a value is sealed: one that lost
// its key, and nothing else, needs it again too.
func sealState(b store.Box) string {
	sum := sha256.Sum256(b.SealingKey)
	return b.StateID + " " + hex.EncodeToString(sum[:8])
}

// sealTo opens a value with the site's key and seals it to that of a box.
func (s *Site) sealTo(x store.Tx, b store.Box, v policy.Sealed, kept []store.Secret) ([]byte, error) {
	for _, k := range kept {
		if k.Kind != v.Kind || k.Object != v.Object {
			continue
		}
		value, err := s.keys.Sealing.Open(v.Context(""), k.Sealed)
		if err != nil {
			return nil, err
		}
		out, err := trust.Seal(b.SealingKey, v.Context(b.ID), value)
		if err != nil {
			return nil, err
		}
		k.Sealed = out
		return out, x.PutBoxSecret(store.BoxSecret{Secret: k, Box: b.ID, StateID: sealState(b)})
	}
	return nil, store.ErrNotFound
}
