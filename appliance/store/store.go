// Package store is the box's memory: one SQLite database with jobs, grants
// used, status messages, PXE history, leases and the outbox to the site.
//
// What must change together changes in one transaction: to use a grant and to
// start its job; to keep a status message and to put it into the outbox.
// Writes are durable when they return (WAL, synchronous FULL); writers that
// come at the same time share one commit. The state id is made at random with
// the database, so a lost database is a new state, for which old grants count
// as used. A database that cannot be read is put aside, never repaired.
//
// It decides nothing: who may have a job is not its business.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bootward/bootward/internal/supervisor"
	_ "modernc.org/sqlite" // the database driver
)

// Store is an open database. Its methods may be called by several goroutines
// at once.
type Store struct {
	db      *sql.DB // readers
	writer  *sql.DB // one connection
	stateID string
	writes  chan write
	stop    chan struct{}
	closing sync.Once
	stopped sync.WaitGroup
	changed supervisor.Signal

	maxOutbox uint64 // entries

	known    atomic.Uint64 // grows when what KnownChange is about may have changed
	maxKnown int           // computers
}

//go:embed migrations/*.sql
var migrations embed.FS

// pragmas are set on each connection. A commit is on the disk when it returns:
// in WAL mode that needs synchronous FULL (sqlite.org/pragma.html).
const pragmas = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"

// uri names the database to SQLite: in a URI, "?", "#" and "%" of a path would
// mean something else, and another file would be opened (sqlite.org/uri.html).
func uri(path string) string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path) + pragmas
}

// Open opens the database at path or makes it. A file that is no sound
// database is renamed to path.broken-TIME and a new one is made: the box then
// has a new state id. now stamps that name.
func Open(ctx context.Context, path string, log *slog.Logger, now time.Time) (*Store, error) {
	s, err := open(ctx, path)
	if err == nil || !isCorrupt(err) {
		return s, err
	}
	aside := path + ".broken-" + now.UTC().Format("20060102T150405")
	log.Error("database is broken: put aside, the box begins a new state and old grants count as used", "path", path, "aside", aside, "error", err)
	if err := os.Rename(path, aside); err != nil {
		return nil, fmt.Errorf("database %s: put it aside: %w", path, err)
	}
	for _, tail := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+tail, aside+tail); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("database %s: put its log aside: %w", path, err)
		}
	}
	return open(ctx, path)
}

func open(ctx context.Context, path string) (s *Store, err error) {
	made := &Store{writes: make(chan write), stop: make(chan struct{}), maxOutbox: maxOutbox, maxKnown: maxKnown}
	s = made
	defer func() {
		if err != nil {
			made.closeBoth()
			err = fmt.Errorf("database %s: %w", path, err)
		}
	}()
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, err
	} else if err := f.Close(); err != nil {
		return nil, err
	}
	if s.writer, err = sql.Open("sqlite", uri(path)); err != nil {
		return nil, err
	}
	s.writer.SetMaxOpenConns(1)
	if err := check(ctx, s.writer); err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.writer); err != nil {
		return nil, err
	}
	if s.db, err = sql.Open("sqlite", uri(path)); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(4)
	if s.stateID, err = s.Meta(ctx, "stateID"); err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	s.stopped.Go(s.write)
	return s, nil
}

func (s *Store) closeBoth() error {
	var errs []error
	for _, db := range []*sql.DB{s.db, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Close ends the writer and closes the database. Writes under way end first.
// Closing twice is no error.
func (s *Store) Close() error {
	s.closing.Do(func() { close(s.stop) })
	s.stopped.Wait()
	return s.closeBoth()
}

// errCorrupt is what check finds.
var errCorrupt = errors.New("it is not sound")

// check reads the whole structure: a box has megabytes, not gigabytes, of it.
func check(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", errCorrupt, found)
	}
	return nil
}

// isCorrupt recognises SQLITE_CORRUPT (11) and SQLITE_NOTADB (26).
func isCorrupt(err error) bool {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		primary := coded.Code() & 0xff
		return primary == 11 || primary == 26
	}
	return errors.Is(err, errCorrupt)
}

// migrate brings the database up to date: numbered files, one transaction
// each, the number in user_version. A database of a later release is refused.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	var have int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if have > len(files) {
		return fmt.Errorf("it is of version %d, this program knows %d: update the box", have, len(files))
	}
	for i := have; i < len(files); i++ {
		if err := migrateTo(ctx, db, files[i], i+1); err != nil {
			return fmt.Errorf("migration %s: %w", files[i], err)
		}
	}
	return nil
}

func migrateTo(ctx context.Context, db *sql.DB, file string, version int) error {
	text, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	if version == 1 {
		id := make([]byte, 16)
		rand.Read(id)
		if _, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES ('stateID', ?)", hex.EncodeToString(id)); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}

// StateID names this database: 32 hexadecimal digits, made at random with it.
func (s *Store) StateID() string { return s.stateID }

// Meta returns a value that was kept under a key, "" if there is none.
func (s *Store) Meta(ctx context.Context, key string) (string, error) {
	var v string
	err := s.db.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", key).Scan(&v)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return v, nil
}

// SetMeta keeps a value under a key, durably.
func (s *Store) SetMeta(ctx context.Context, key, value string) error {
	return s.change(ctx, "keep "+key, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2", key, value)
		return err
	})
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// IsFull says whether a write failed because the disk is full (SQLITE_FULL).
func IsFull(err error) bool {
	var coded interface{ Code() int }
	return errors.As(err, &coded) && coded.Code()&0xff == 13 || err != nil && strings.Contains(err.Error(), "no space left")
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
