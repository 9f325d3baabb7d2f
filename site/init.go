package site

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/site/store/sqlite"
	"github.com/bootward/bootward/trust"
)

// Initial is what Init made and what is told only once.
type Initial struct {
	Code string
	// Anchor is the signed trust anchor; Fingerprint names its root key.
	Anchor      []byte
	Fingerprint string
	// Administrator may sign in with Token; the site keeps its hash only.
	Administrator, Token string
}

// Init makes a site in a directory that is empty or does not exist: keys,
// trust anchor, database and the first administrator.
func Init(ctx context.Context, dir, code, administrator string, now time.Time) (*Initial, error) {
	if err := CheckCode(code); err != nil {
		return nil, err
	}
	if err := (&osd.Person{Meta: osd.Meta{Name: administrator}}).Validate(); err != nil {
		return nil, fmt.Errorf("administrator: %w", err)
	}
	if err := emptyDir(dir); err != nil {
		return nil, err
	}
	for _, sub := range []string{keysDir, contentDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make site: %w", err)
		}
	}
	raw, err := makeKeys(filepath.Join(dir, keysDir), code, now)
	if err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	anchor, err := trust.ParseAnchor(raw)
	if err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	token, err := trust.NewToken(anchor.Fingerprint())
	if err != nil {
		return nil, fmt.Errorf("make site: token: %w", err)
	}
	if err := initDatabase(ctx, dir, code, administrator, trust.TokenHash(token), now); err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	if err := errors.Join(durable.Write(filepath.Join(dir, anchorFile), raw, 0o644), durable.SyncFolder(filepath.Join(dir, keysDir))); err != nil {
		return nil, err
	}
	config := fmt.Sprintf("# A site of Bootward. Its code is part of every id and certificate: it cannot be changed.\nformat: 1\ncode: %s\n", code)
	if err := durable.Write(filepath.Join(dir, configFile), []byte(config), 0o644); err != nil {
		return nil, err
	}
	return &Initial{Code: code, Anchor: raw, Fingerprint: anchor.Fingerprint(), Administrator: administrator, Token: token}, nil
}

func initDatabase(ctx context.Context, dir, code, administrator, hash string, now time.Time) error {
	db, err := sqlite.Open(ctx, filepath.Join(dir, databaseFile))
	if err != nil {
		return err
	}
	err = db.Write(ctx, func(x store.Tx) error {
		return errors.Join(addAdministrator(x, code, administrator),
			x.AddCredential(store.Credential{Hash: hash, Kind: store.CredentialToken, Person: administrator, MadeAt: now, MadeBy: administrator}),
			x.AddAudit(store.AuditEntry{Time: now, Who: administrator, What: "init", Text: "the site was made"}))
	})
	return errors.Join(err, db.Close())
}

// emptyDir makes the directory (0700) or refuses one that holds something.
func emptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("site directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("site directory: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("site directory %s: is not empty; give another, or remove what an unfinished init or restore left there", dir)
	}
	return nil
}
