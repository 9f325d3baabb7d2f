package distributionpoint

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/trust"
)

func library(t *testing.T, files map[string]string) (l *Library, digest, root string) {
	t.Helper()
	tree, root := t.TempDir(), t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := content.OpenDirectory(root)
	if err != nil {
		t.Fatal(err)
	}
	m, err := dir.ImportTree(t.Context(), tree, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := json.Marshal(trust.Sign(trust.TypeManifest, payload, key))
	if err != nil {
		t.Fatal(err)
	}
	digest = content.Digest(payload)
	if err := dir.PutManifest(digest, envelope); err != nil {
		t.Fatal(err)
	}
	return NewLibrary(dir), digest, root
}

func TestBootFilesAreVerifiedBeforeTheyAreHandedOut(t *testing.T) {
	l, digest, root := library(t, map[string]string{"uki.efi": strings.Repeat("uki", 1000), LoaderName: "loader"})
	var bad []string
	b := &BootFiles{Library: l, OnBad: func(sha string) { bad = append(bad, sha) }, Images: func() []osd.BootImage {
		return []osd.BootImage{{Meta: osd.Meta{ID: "CEN0000A"}, Content: osd.Content{Manifest: digest}}}
	}}
	open := func(image, name string) (string, error) {
		f, _, _, err := b.Open(t.Context(), image, name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		return string(text), err
	}
	for range 2 {
		if text, err := open("cen0000a", "uki.efi"); err != nil || len(text) != 3000 {
			t.Fatalf("uki: %d bytes, %v", len(text), err)
		}
	}
	if f, _, size, err := b.OpenLoader(t.Context()); err != nil || size != 6 {
		t.Errorf("loader: %d, %v", size, err)
	} else {
		f.Close()
	}
	for _, name := range [][2]string{{"CEN0000B", "uki.efi"}, {"CEN0000A", "passwd"}, {"CEN0000A", "../box.db"}, {"", ""}} {
		if _, err := open(name[0], name[1]); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", name, err)
		}
	}
	blobs, err := filepath.Glob(filepath.Join(root, "blobs/*/*"))
	if err != nil || len(blobs) != 2 {
		t.Fatalf("%v, %v", blobs, err)
	}
	for _, path := range blobs {
		if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, []byte(strings.Repeat("bad", 1000)), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := open("CEN0000A", "uki.efi"); err == nil {
		t.Errorf("a damaged file was handed out: %.10q", text)
	}
	if len(bad) != 1 || l.Complete(digest) {
		t.Errorf("bad %v, complete %v: it must be fetched again", bad, l.Complete(digest))
	}
}

// reads counts how often something is read under it.
type reads struct {
	context.Context
	n *atomic.Int64
}

func (r reads) Err() error {
	r.n.Add(1)
	return r.Context.Err()
}

// TestBootFilesAreHashedOnce: a ward that boots at once asks for the same file, and the
// box reads it once to verify it.
func TestBootFilesAreHashedOnce(t *testing.T) {
	l, digest, _ := library(t, map[string]string{"uki.efi": strings.Repeat("uki", 1<<20)})
	hashed := func(machines int) int64 {
		b := &BootFiles{Library: l, Images: func() []osd.BootImage {
			return []osd.BootImage{{Meta: osd.Meta{ID: "CEN0000A"}, Content: osd.Content{Manifest: digest}}}
		}}
		ctx := reads{t.Context(), new(atomic.Int64)}
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range machines {
			wg.Go(func() {
				<-start
				f, _, _, err := b.Open(ctx, "CEN0000A", "uki.efi")
				if err != nil {
					t.Error(err)
					return
				}
				f.Close()
			})
		}
		close(start)
		wg.Wait()
		return ctx.n.Load()
	}
	if one, many := hashed(1), hashed(64); one == 0 || many != one {
		t.Errorf("%d reads for one machine, %d for 64", one, many)
	}
}
