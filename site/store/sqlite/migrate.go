package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate runs every migration that the database does not have, in the order
// of their numbers, one transaction each. PRAGMA user_version holds the
// number of the newest; a database that is newer than the program is refused.
func migrate(ctx context.Context, db *sql.DB) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	var have int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if have > len(names) {
		return fmt.Errorf("schema version %d, this program knows %d: use the newer program that wrote it", have, len(names))
	}
	for i, name := range names[have:] {
		number := have + i + 1
		if !strings.HasPrefix(name, fmt.Sprintf("migrations/%04d_", number)) {
			return fmt.Errorf("migration %s is not number %d", name, number)
		}
		if err := migrateOne(ctx, db, name, number); err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
	}
	return nil
}

func migrateOne(ctx context.Context, db *sql.DB, name string, number int) error {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, string(text))
	if err == nil {
		_, err = t.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", number))
	}
	if err != nil {
		return errors.Join(err, ignoreDone(t.Rollback()))
	}
	return t.Commit()
}
