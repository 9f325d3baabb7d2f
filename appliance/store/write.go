package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// write is one change that waits for its commit.
type write struct {
	do   func(*sql.Tx) error
	done chan error
}

// maxBatch is how many changes share one commit.
const maxBatch = 64

// errClosed is what changes get after Close.
var errClosed = errors.New("the database is closed")

// change runs do in a transaction and returns when it is on the disk. Changes
// of several goroutines share a commit; one that fails is undone alone. After
// it was handed over it is done even if ctx ends.
func (s *Store) change(ctx context.Context, what string, do func(*sql.Tx) error) error {
	w := write{do: do, done: make(chan error, 1)}
	select {
	case s.writes <- w:
	case <-s.stop:
		return fmt.Errorf("%s: %w", what, errClosed)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	if err := <-w.done; err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// write is the one goroutine that writes.
func (s *Store) write() {
	for {
		select {
		case w := <-s.writes:
			s.commit(s.gather(w))
		case <-s.stop:
			return
		}
	}
}

// gather takes what waits already; while one commit is under way, the changes
// for the next one come together.
func (s *Store) gather(first write) []write {
	batch := []write{first}
	for len(batch) < maxBatch {
		select {
		case w := <-s.writes:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// commit runs a batch in one transaction and tells each of its outcome.
func (s *Store) commit(batch []write) {
	results := make([]error, len(batch))
	if err := s.transaction(batch, results); err != nil {
		for i := range results {
			results[i] = errors.Join(results[i], err)
		}
	}
	for i, w := range batch {
		w.done <- results[i]
	}
	s.changed.Notify()
}

func (s *Store) transaction(batch []write, results []error) error {
	tx, err := s.writer.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i, w := range batch {
		if _, err := tx.Exec("SAVEPOINT one"); err != nil {
			return err
		}
		end := "RELEASE one"
		if results[i] = w.do(tx); results[i] != nil {
			end = "ROLLBACK TO one; RELEASE one"
		}
		if _, err := tx.Exec(end); err != nil {
			return err
		}
	}
	return tx.Commit()
}
