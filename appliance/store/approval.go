package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// Approval is a claim that waits until a person has compared its code.
type Approval struct {
	api.PendingApproval
	Key   string // fingerprint of the public key that claims
	Nonce []byte
	// Replaces are the IDs of claims of the same machine, which go with this one
	// unless somebody decided on them; for AskApproval.
	Replaces []string
}

// The decisions on a claim that waits.
const (
	Approve = "approve"
	Deny    = "deny"
)

// past is what was decided.
var past = map[string]string{Approve: "approved", Deny: "denied"}

// maxApprovals bounds the machines that wait at once: labels can be made up, and
// the more codes there are, the likelier two are alike.
const maxApprovals = 32

// longApproval is longer than a claim waits: one that ends later was asked before
// the clock was set back, and has ended too. Otherwise it would be good for years.
const longApproval = time.Hour

// waits are the claims that have not ended, of two times: now and longApproval later.
const waits = "expires > ? AND expires <= ?"

// Errors of approvals.
var (
	// ErrTooManyWait is what AskApproval returns when too many machines wait.
	ErrTooManyWait = errors.New("too many machines wait for approval")
	// ErrSameCode is what AskApproval returns for a code that another machine
	// shows: choose another nonce.
	ErrSameCode = errors.New("another machine that waits has the same code")
	// ErrDecided is what DecideApproval returns when somebody decided before.
	ErrDecided = errors.New("it was decided before")
)

// AskApproval keeps a claim that waits. Those that it replaces go, unless somebody
// decided on them: the machine was started again.
func (s *Store) AskApproval(ctx context.Context, a Approval, e status.FlightEvent) error {
	document, err := json.Marshal(a.PendingApproval)
	if err != nil {
		return fmt.Errorf("approval %s: %w", a.ID, err)
	}
	now := millis(a.AskedAt)
	return s.change(ctx, "ask for approval", func(tx *sql.Tx) error {
		if _, err := tx.Exec("DELETE FROM approvals WHERE NOT ("+waits+")", now, now+longApproval.Milliseconds()); err != nil {
			return err
		}
		for _, id := range a.Replaces {
			if _, err := tx.Exec("DELETE FROM approvals WHERE decision = '' AND id = ?", id); err != nil {
				return err
			}
		}
		var waiting, same int
		if err := tx.QueryRow("SELECT count(*), coalesce(sum(code = ?), 0) FROM approvals", a.Code).Scan(&waiting, &same); err != nil {
			return err
		}
		switch {
		case same > 0:
			return ErrSameCode
		case waiting >= maxApprovals:
			return ErrTooManyWait
		}
		if _, err := tx.Exec("INSERT INTO approvals (id, key, code, nonce, asked, expires, document) VALUES (?, ?, ?, ?, ?, ?, ?)",
			a.ID, a.Key, a.Code, a.Nonce, now, millis(a.ExpiresAt), string(document)); err != nil {
			return err
		}
		return record(tx, e)
	})
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// ApprovalByKey finds the claim of a key that waits, or that was decided on,
// and has not ended; false if there is none.
func (s *Store) ApprovalByKey(ctx context.Context, key string, now time.Time) (Approval, bool, error) {
	all, err := s.approvals(ctx, "WHERE key = ? AND "+waits, key, millis(now), millis(now.Add(longApproval)))
	if err != nil || len(all) == 0 {
		return Approval{}, false, err
	}
	return all[0], true, nil
}

// Approvals lists the claims that wait, and those that were decided on and not
// claimed yet, oldest first.
func (s *Store) Approvals(ctx context.Context, now time.Time) ([]Approval, error) {
	return s.approvals(ctx, "WHERE "+waits+" ORDER BY asked, id", millis(now), millis(now.Add(longApproval)))
}

func (s *Store) approvals(ctx context.Context, where string, args ...any) ([]Approval, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT key, nonce, decision, who, document FROM approvals "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read approvals: %w", err)
	}
	defer rows.Close()
	var all []Approval
	for rows.Next() {
		var a Approval
		var decision, who, document string
		if err := rows.Scan(&a.Key, &a.Nonce, &decision, &who, &document); err != nil {
			return nil, fmt.Errorf("read approvals: %w", err)
		}
		if err := json.Unmarshal([]byte(document), &a.PendingApproval); err != nil {
			return nil, fmt.Errorf("read approvals: %w", err)
		}
		a.Decision, a.Who = decision, who
		all = append(all, a)
	}
	return all, rows.Err()
}

// DecideApproval keeps what a person said of a claim that waits, found by its ID.
// ErrNotFound for one that is not there or has ended.
func (s *Store) DecideApproval(ctx context.Context, id, decision, who string, now time.Time) error {
	return s.change(ctx, decision+" "+id, func(tx *sql.Tx) error { return decideApproval(tx, id, decision, who, now) })
}

func decideApproval(tx *sql.Tx, id, decision, who string, now time.Time) error {
	if decision != Approve && decision != Deny {
		return fmt.Errorf("decision %q: give %s or %s", decision, Approve, Deny)
	}
	var before, document string
	err := tx.QueryRow("SELECT decision, document FROM approvals WHERE id = ? AND "+waits, id, millis(now), millis(now.Add(longApproval))).Scan(&before, &document)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("nothing of that code waits: %w", ErrNotFound)
	case err != nil:
		return err
	case before != "":
		return fmt.Errorf("%w: %s", ErrDecided, before)
	}
	var p api.PendingApproval
	if err := json.Unmarshal([]byte(document), &p); err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE approvals SET decision = ?, who = ? WHERE id = ?", decision, who, id); err != nil {
		return err
	}
	text := fmt.Sprintf("%s, code %s, %s, %s", p.Computer, p.Code, first(p.Identity.MACs), p.Advertisement)
	if about := p.AboutTPM(); about != "" {
		text += ", " + about
	}
	return errors.Join(audit(tx, api.AuditRecord{Time: now, Who: who, What: decision, Object: id, Text: text}),
		record(tx, status.FlightEvent{Time: now, Client: first(p.Identity.MACs), What: decision, Text: past[decision] + " by " + who}))
}

// forgetApproval is called in the transaction that opens the job of a key.
func forgetApproval(tx *sql.Tx, key string) error {
	_, err := tx.Exec("DELETE FROM approvals WHERE key = ?", key)
	return err
}
