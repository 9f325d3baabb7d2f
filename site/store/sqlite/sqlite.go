// Package sqlite is the site's embedded store: one SQLite database
// (modernc.org/sqlite, no C), in WAL mode with a sync at every commit.
//
// Writes go one after the other through a single connection that begins
// IMMEDIATE; reads use their own connections and never wait for a write.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/bootward/bootward/site/store"
)

// Store is a store.Store in one file.
type Store struct {
	write, read *sql.DB
}

var _ store.Store = (*Store)(nil)

// Open opens the database, making it (mode 0600) when it does not exist, and
// brings its schema up to date.
func Open(ctx context.Context, file string) (*Store, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", file, err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("database %s: %w", file, err)
	}
	s := &Store{}
	if s.write, err = sql.Open("sqlite", dsn(file, "immediate", writer()...)); err != nil {
		return nil, fmt.Errorf("database %s: %w", file, err)
	}
	s.write.SetMaxOpenConns(1)
	if err := migrate(ctx, s.write); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", file, err), s.write.Close())
	}
	if s.read, err = sql.Open("sqlite", dsn(file, "deferred", "query_only(1)")); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", file, err), s.write.Close())
	}
	s.read.SetMaxOpenConns(8)
	return s, nil
}

// writer is what the connection that writes has besides: 64 MB of pages, so that many
// millions of messages do not make each insert read the disk, and a checkpoint each
// 32 MB. What a commit promises stays the same.
func writer() []string { return []string{"cache_size(-65536)", "wal_autocheckpoint(8000)"} }

func dsn(file, lock string, extra ...string) string {
	q := url.Values{"_txlock": {lock}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(1)",
	}}
	q["_pragma"] = append(q["_pragma"], extra...)
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + q.Encode()
}

// Close closes the database.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// Read implements store.Store.
func (s *Store) Read(ctx context.Context, f func(store.Tx) error) error {
	return run(ctx, s.read, &sql.TxOptions{ReadOnly: true}, f)
}

// Write implements store.Store.
func (s *Store) Write(ctx context.Context, f func(store.Tx) error) error {
	return run(ctx, s.write, nil, f)
}

func run(ctx context.Context, db *sql.DB, o *sql.TxOptions, f func(store.Tx) error) error {
	t, err := db.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("database: begin: %w", err)
	}
	defer t.Rollback() // where f panics; otherwise it is done by then
	x := &tx{ctx: ctx, t: t}
	err = f(x)
	if err == nil {
		err = x.writeJob()
	}
	if err != nil {
		return errors.Join(err, ignoreDone(t.Rollback()))
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("database: commit: %w", translate(err))
	}
	return nil
}

// ignoreDone hides that a rollback came after the context had ended the
// transaction.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// Backup implements store.Store with VACUUM INTO: one consistent copy, while
// others read and write.
func (s *Store) Backup(ctx context.Context, file string) error {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("back up database to %s: the file exists", file)
	}
	db := s.write // VACUUM INTO is refused on a query_only connection
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		return fmt.Errorf("back up database to %s: %w", file, err)
	}
	return os.Chmod(file, 0o600)
}

// tx is a store.Tx. It lives no longer than one call of Read or Write.
type tx struct {
	ctx context.Context
	t   *sql.Tx
	// statements are those that were prepared in this transaction, by their text: a batch
	// of messages runs the same few again and again.
	statements map[string]*sql.Stmt
	noted      *noted
}

// prepared prepares a statement once; it ends with the transaction.
func (x *tx) prepared(query string) (*sql.Stmt, error) {
	if s, ok := x.statements[query]; ok {
		return s, nil
	}
	s, err := x.t.PrepareContext(x.ctx, query)
	if err != nil {
		return nil, translate(err)
	}
	if x.statements == nil {
		x.statements = map[string]*sql.Stmt{}
	}
	x.statements[query] = s
	return s, nil
}

func (x *tx) exec(query string, args ...any) (int64, error) {
	s, err := x.prepared(query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(x.ctx, args...)
	if err != nil {
		return 0, translate(err)
	}
	return r.RowsAffected()
}

func (x *tx) one(dest []any, query string, args ...any) error {
	s, err := x.prepared(query)
	if err != nil {
		return err
	}
	err = s.QueryRowContext(x.ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return translate(err)
}

// each calls f for every row, with the scan function of the row.
func (x *tx) each(f func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := x.t.QueryContext(x.ctx, query, args...)
	if err != nil {
		return translate(err)
	}
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func translate(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return fmt.Errorf("%w: %w", store.ErrConflict, err)
		case sqlite3.SQLITE_FULL:
			return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
		}
	}
	return err
}
