package sqlite

import (
	"fmt"

	"github.com/bootward/bootward/site/store"
)

func (x *tx) AddAudit(e store.AuditEntry) error {
	_, err := x.exec("INSERT INTO audit (time, who, what, object, text) VALUES (?, ?, ?, ?, ?)",
		stamp(e.Time), e.Who, e.What, e.Object, e.Text)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}

func (x *tx) AuditLog(after int64, limit int) ([]store.AuditEntry, error) {
	var all []store.AuditEntry
	err := x.each(func(scan func(...any) error) error {
		var e store.AuditEntry
		if err := scan(&e.Number, moment{&e.Time}, &e.Who, &e.What, &e.Object, &e.Text); err != nil {
			return err
		}
		all = append(all, e)
		return nil
	}, "SELECT number, time, who, what, object, text FROM audit WHERE number > ? ORDER BY number LIMIT ?", after, limit)
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return all, nil
}

func (x *tx) Policy(box string) (store.Policy, error) {
	p := store.Policy{Box: box}
	err := x.one([]any{&p.Epoch, &p.Number, &p.Digest, moment{&p.IssuedAt}, &p.Envelope},
		"SELECT epoch, number, digest, issued_at, envelope FROM policies WHERE box = ?", box)
	if err != nil {
		return p, fmt.Errorf("policy of box %s: %w", box, err)
	}
	return p, nil
}

func (x *tx) PutPolicy(p store.Policy) error {
	_, err := x.exec(`INSERT INTO policies (box, epoch, number, digest, issued_at, envelope) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (box) DO UPDATE SET epoch = excluded.epoch, number = excluded.number, digest = excluded.digest,
		issued_at = excluded.issued_at, envelope = excluded.envelope`,
		p.Box, int64(p.Epoch), int64(p.Number), p.Digest, stamp(p.IssuedAt), p.Envelope)
	if err != nil {
		return fmt.Errorf("put policy of box %s: %w", p.Box, err)
	}
	return nil
}

func (x *tx) Epoch() (uint64, error) {
	var n uint64
	err := x.one([]any{&n}, "SELECT value FROM counters WHERE name = 'epoch'")
	return n, err
}

// RaiseEpoch leaves the number as it is: numbers grow over all epochs.
func (x *tx) RaiseEpoch() (uint64, error) { return x.count("epoch") }

func (x *tx) NextPolicyNumber() (uint64, error) { return x.count("policy") }
