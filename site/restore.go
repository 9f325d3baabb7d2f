package site

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/site/store/sqlite"
)

// Restored says what a restore brought back.
type Restored struct {
	Site    string    `json:"site"`
	Time    time.Time `json:"time"` // of the backup
	Content bool      `json:"content"`
	// Epoch is the new one: policy of it goes before all that boxes have.
	Epoch uint64 `json:"epoch"`
}

// Restore makes a site of an archive, in a directory that is empty or does
// not exist. It raises the epoch, so that boxes follow the restored site
// although its policy numbers may be older than theirs. site.yaml is written
// last: a restore that was cut off leaves no site.
func Restore(ctx context.Context, file, dir, who string, now time.Time) (*Restored, error) {
	if err := emptyDir(dir); err != nil {
		return nil, err
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	info, config, err := unpack(ctx, in, dir)
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, fmt.Errorf("restore from %s: %w; empty %s before you try again", file, err, dir)
	}
	out := &Restored{Site: info.Site, Time: info.Time, Content: info.Content}
	db, err := sqlite.Open(ctx, filepath.Join(dir, databaseFile))
	if err != nil {
		return nil, fmt.Errorf("restore from %s: %w", file, err)
	}
	err = db.Write(ctx, func(x store.Tx) (err error) {
		if out.Epoch, err = x.RaiseEpoch(); err != nil {
			return err
		}
		return x.AddAudit(store.AuditEntry{Time: now, Who: who, What: "restore",
			Text: fmt.Sprintf("from a backup of %s; epoch raised to %d", info.Time.Format(time.RFC3339), out.Epoch)})
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, fmt.Errorf("restore from %s: %w", file, err)
	}
	return out, durable.Write(filepath.Join(dir, configFile), config, 0o644)
}

// unpack writes the files of an archive below dir, and returns site.yaml,
// which it does not write.
func unpack(ctx context.Context, r io.Reader, dir string) (info backupInfo, config []byte, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return info, nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	z, err := zstd.NewReader(r)
	if err != nil {
		return info, nil, err
	}
	defer z.Close()
	seen := map[string]bool{}
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = errors.Join(ctx.Err(), checkEntry(h, seen))
		}
		if err != nil {
			return info, nil, err
		}
		seen[h.Name] = true
		switch h.Name {
		case backupHead:
			err = readInfo(t, &info)
		case configFile:
			config, err = io.ReadAll(io.LimitReader(t, 1<<20))
		default:
			err = unpackFile(root, h, t)
		}
		if err != nil {
			return info, nil, fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	return info, config, whole(info, config, seen)
}

func readInfo(r io.Reader, info *backupInfo) error {
	if err := json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(info); err != nil {
		return err
	}
	if info.Format != backupFormat {
		return fmt.Errorf("format %d: this program reads format %d", info.Format, backupFormat)
	}
	return nil
}

// checkEntry takes regular files with the names that Backup writes.
func checkEntry(h *tar.Header, seen map[string]bool) error {
	first, _, _ := strings.Cut(h.Name, "/")
	known := []string{backupHead, configFile, anchorFile, databaseFile, keysDir, contentDir}
	if h.Typeflag != tar.TypeReg || !fs.ValidPath(h.Name) || !slices.Contains(known, first) || seen[h.Name] {
		return fmt.Errorf("%q does not belong into a backup of a site", h.Name)
	}
	if len(seen) == 0 && h.Name != backupHead {
		return errors.New("is no backup of a site")
	}
	return nil
}

// whole refuses an archive that lacks something.
func whole(info backupInfo, config []byte, seen map[string]bool) error {
	for _, name := range []string{backupHead, configFile, anchorFile, databaseFile,
		keysDir + "/" + caKeyFile, keysDir + "/" + caCertFile, keysDir + "/" + signingFile} {
		if !seen[name] {
			return fmt.Errorf("the archive holds no %s", name)
		}
	}
	c, err := ParseConfig(bytes.NewReader(config))
	if err != nil {
		return err
	}
	if c.Code != info.Site {
		return fmt.Errorf("the archive is of site %s, its %s says %s", info.Site, configFile, c.Code)
	}
	return nil
}

func unpackFile(root *os.Root, h *tar.Header, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(h.Name), 0o700); err != nil {
		return err
	}
	mode := os.FileMode(0o600)
	if strings.HasPrefix(h.Name, contentDir+"/") || h.Name == anchorFile {
		mode = 0o644
	}
	if strings.HasPrefix(h.Name, contentDir+"/blobs/") {
		mode = 0o444
	}
	f, err := root.OpenFile(h.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}
