package site

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/site/store/sqlite"
)

// backupFormat is the format of archives: tar in zstd, `backup.json` first,
// then site.yaml, anchor.json, site.db, keys/ and, if asked for, content/.
const backupFormat = 1

const backupHead = "backup.json"

// backupInfo is backup.json.
type backupInfo struct {
	Format  int       `json:"format"`
	Site    string    `json:"site"`
	Time    time.Time `json:"time"`
	Content bool      `json:"content"`
}

// Backup writes an archive of the site to a file that does not exist yet
// (0600: it holds every key). The site may be running meanwhile.
func Backup(ctx context.Context, dir, file string, withContent bool, who string, now time.Time) error {
	config, err := LoadConfig(dir)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	info := backupInfo{Format: backupFormat, Site: config.Code, Time: now.UTC(), Content: withContent}
	err = writeBackup(ctx, out, dir, info, who)
	err = errors.Join(err, out.Sync(), out.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("back up to %s: %w", file, err), os.Remove(file))
	}
	return durable.SyncFolder(filepath.Dir(file))
}

func writeBackup(ctx context.Context, out io.Writer, dir string, info backupInfo, who string) error {
	z, err := zstd.NewWriter(out)
	if err != nil {
		return err
	}
	a := &archive{ctx: ctx, w: tar.NewWriter(z), time: info.Time}
	head, err := json.Marshal(info)
	if err != nil {
		return err
	}
	copied, remove, err := copyDatabase(ctx, dir, info, who)
	if err != nil {
		return err
	}
	err = errors.Join(a.bytes(backupHead, head), a.file(copied, databaseFile),
		a.tree(dir, configFile), a.tree(dir, anchorFile), a.tree(dir, keysDir))
	if info.Content {
		err = errors.Join(err, a.tree(dir, filepath.Join(contentDir, "manifests")), a.tree(dir, filepath.Join(contentDir, "blobs")))
	}
	return errors.Join(err, a.w.Close(), z.Close(), remove())
}

// copyDatabase makes a consistent copy beside the database, after the backup
// was put into the audit log.
func copyDatabase(ctx context.Context, dir string, info backupInfo, who string) (file string, remove func() error, err error) {
	temporary, err := os.MkdirTemp(dir, ".backup-*")
	if err != nil {
		return "", nil, err
	}
	remove = func() error { return os.RemoveAll(temporary) }
	file = filepath.Join(temporary, databaseFile)
	db, err := sqlite.Open(ctx, filepath.Join(dir, databaseFile))
	if err != nil {
		return "", nil, errors.Join(err, remove())
	}
	err = db.Write(ctx, func(x store.Tx) error {
		return x.AddAudit(store.AuditEntry{Time: info.Time, Who: who, What: "backup", Text: fmt.Sprintf("content included: %t", info.Content)})
	})
	if err == nil {
		err = db.Backup(ctx, file)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return file, remove, nil
}

// archive writes files into a tar.
type archive struct {
	ctx  context.Context
	w    *tar.Writer
	time time.Time
}

func (a *archive) bytes(name string, b []byte) error {
	if err := a.w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b)), ModTime: a.time}); err != nil {
		return err
	}
	_, err := a.w.Write(b)
	return err
}

func (a *archive) file(path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil {
		err = a.w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: int64(st.Mode().Perm()), Size: st.Size(), ModTime: a.time})
	}
	if err == nil {
		_, err = io.CopyN(a.w, f, st.Size())
	}
	return errors.Join(err, f.Close())
}

// tree writes a file or all files of a folder; a folder that is not there is
// empty.
func (a *archive) tree(dir, name string) error {
	return filepath.WalkDir(filepath.Join(dir, name), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(name, contentDir):
			return nil
		case err != nil:
			return err
		case a.ctx.Err() != nil:
			return a.ctx.Err()
		case !d.Type().IsRegular() || strings.HasSuffix(path, ".pending"):
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return a.file(path, rel)
	})
}
