package machine

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/trust"
)

var (
	_ step.Disks    = (*Disks)(nil)
	_ step.Volumes  = (*Volumes)(nil)
	_ step.Images   = (*Images)(nil)
	_ step.System   = System{}
	_ step.Commands = Commands{}
)

func TestCommands(t *testing.T) {
	code, stdout, all, err := Commands{}.Run(t.Context(), step.Command{Line: "echo out; echo err >&2; exit 7", Dir: t.TempDir()})
	if code != 7 || stdout != "out\n" || !strings.Contains(all, "err\n") || err != nil {
		t.Errorf("%d, %q, %q, %v", code, stdout, all, err)
	}
	_, stdout, _, err = Commands{}.Run(t.Context(), step.Command{Line: "head -c 1000000 /dev/zero | tr '\\0' x; echo end"})
	if len(stdout) != keepOutput || !strings.HasSuffix(stdout, "xend\n") || err != nil {
		t.Errorf("%d bytes, %v", len(stdout), err)
	}
	if _, _, _, err := (Commands{}).Run(t.Context(), step.Command{Line: "true", Dir: "/nowhere"}); err == nil {
		t.Error("a folder that does not exist was taken")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, _, _, err := (Commands{}).Run(ctx, step.Command{Line: "sleep 60 & sleep 60; wait"}); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 4*time.Second {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
}

// TestCommandVariables: what a step is lent is in the environment of its command,
// and in that of nobody else; the path stays what it is.
func TestCommandVariables(t *testing.T) {
	_, stdout, _, err := Commands{}.Run(t.Context(), step.Command{Line: `echo "$JoinPassword|$(tr '\\0' ' ' < /proc/$$/cmdline)|$PATH"`, Variables: map[string]string{"JoinPassword": "of a step", "PATH": "/evil"}})
	if err != nil || !strings.HasPrefix(stdout, "of a step|") || strings.Count(stdout, "of a step") != 1 || strings.Contains(stdout, "/evil") {
		t.Errorf("%q, %v", stdout, err)
	}
	if _, set := os.LookupEnv("JoinPassword"); set {
		t.Error("the agent's own environment holds it")
	}
}

func TestInstall(t *testing.T) {
	root := t.TempDir()
	program := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(program, []byte("program"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Install(root, program); err == nil {
		t.Error("a system without systemd was taken")
	}
	if err := os.MkdirAll(filepath.Join(root, "etc/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Install(root, program); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(root, agentPath)); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	if to, err := os.Readlink(filepath.Join(root, wantsPath)); err != nil || to != unitTarget {
		t.Errorf("%q, %v", to, err)
	}
	for range 2 {
		if err := Uninstall(root); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Lstat(filepath.Join(root, wantsPath)); !os.IsNotExist(err) {
		t.Error("the unit is still enabled")
	}
}

// store is a content.Source in memory.
type store struct {
	manifests map[string][]byte
	blobs     map[string][]byte
}

func (s store) Manifest(_ context.Context, digest string) ([]byte, error) {
	if m, ok := s.manifests[digest]; ok {
		return m, nil
	}
	return nil, api.Errorf(api.CodeNotFound, digest, "there is no such manifest")
}

func (s store) Range(_ context.Context, sha string, offset, length int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.blobs[sha][offset : offset+length])), nil
}

// add puts a package with one file into the store.
func (s store) add(t *testing.T, key ed25519.PrivateKey, files map[string][]byte) string {
	t.Helper()
	m := content.Manifest{Format: content.Format}
	for path, data := range files {
		sha := strings.TrimPrefix(content.Digest(data), "sha256:")
		m.Files = append(m.Files, content.File{Path: path, Mode: 0o755, Size: int64(len(data)), SHA256: sha,
			Chunks: []content.Chunk{{Offset: 0, Length: int64(len(data)), SHA256: sha}}})
		s.blobs[sha] = data
	}
	payload, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(trust.Sign(trust.TypeManifest, payload, key))
	if err != nil {
		t.Fatal(err)
	}
	s.manifests[content.Digest(payload)] = raw
	return content.Digest(payload)
}

// TestTools: the imaging tools are fetched, verified, once; a package that is
// not the job's, not signed or damaged is refused.
func TestTools(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(rand.Reader)
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	s := store{map[string][]byte{}, map[string][]byte{}}
	files := map[string][]byte{"bin/wimlib-imagex": []byte("#!/bin/sh\n"), "lib/ld-linux-x86-64.so.2": []byte("loader")}
	good, foreign := s.add(t, key, files), s.add(t, stranger, map[string][]byte{"x": []byte("y")})
	m := &Images{Supply: &Supply{Source: s, Keys: []ed25519.PublicKey{pub}, Say: func(string) {}}, Dir: t.TempDir()}
	for digest, want := range map[string]string{"": "not among the content", foreign: "no valid signature"} {
		if digest != "" {
			m.Content = []api.JobContent{{Kind: "Package", Name: sequence.ImagingTools, Manifest: digest}}
		}
		if _, err := m.tools(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", digest, err)
		}
		m.Content = nil
	}
	m.Content = []api.JobContent{{Kind: "Package", Name: sequence.ImagingTools, Manifest: good}}
	w, err := m.tools(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(w.Path); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	clear(s.manifests)
	if _, err := m.tools(t.Context()); err != nil {
		t.Errorf("fetched again: %v", err)
	}
}

// TestMount mounts a real volume, twice, and takes it away.
func TestMount(t *testing.T) {
	img := filepath.Join(t.TempDir(), "v.img")
	for _, args := range [][]string{{"truncate", "-s", "16M", img}, {"mkfs.ext4", "-q", "-F", img}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	out, err := exec.Command("losetup", "--find", "--show", img).Output()
	if err != nil {
		t.Fatal(err)
	}
	loop := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", loop).Run() })
	v, at := &Volumes{}, filepath.Join(t.TempDir(), "a", "target")
	for range 2 {
		if err := v.Mount(loop, "ext4", at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(at, "lost+found")); err != nil {
		t.Error(err)
	}
	if err := v.Mount("/dev/other", "ext4", at); err == nil || !strings.Contains(err.Error(), loop+" is mounted there") {
		t.Errorf("another volume at the same place: %v", err)
	}
	if err := v.Mount(loop, "ntfs", at+"2"); err == nil {
		t.Error("ntfs was mounted")
	}
	if err := errors.Join(v.Close(), v.Close()); err != nil {
		t.Error(err)
	}
	if d, err := NewDisks(); err != nil || d == nil {
		t.Error(err)
	}
}
