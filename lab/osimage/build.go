package osimage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bootward/bootward/diskfs/tool"
)

// Event tells how far Build is.
type Event struct {
	Stage       string // what is done now, in words
	Done, Total int64  // Total 0 while it is not known
	Unit        string // of both: packages or MiB
}

// Options for Build.
type Options struct {
	Recipe   Recipe
	CacheDir string      // where images are kept; made if it is not there
	Runner   tool.Runner // starts mmdebstrap and wimlib-imagex
	// Progress, if not nil, is told every change; it must return at once.
	Progress func(Event)
	// Rebuild makes the image again even though the cache has it.
	Rebuild bool
}

// Result says where the image is.
type Result struct {
	WIM      string        // path
	Manifest string        // path; read it with Load
	Key      string        // of the inputs
	Cached   bool          // whether it was there already
	Took     time.Duration // to make it, also if that was an earlier run
	WIMSize  int64         // bytes
	TreeSize int64         // bytes of all files of the tree
	Entries  int           // paths in the tree
}

// Build makes the image of the recipe, or finds it in the cache. It needs root,
// mmdebstrap, wimlib-imagex, about 1.5 GiB in the cache folder, and the host's
// sources of packages within reach. A build that fails or is cancelled leaves
// nothing in the cache.
func Build(ctx context.Context, o Options) (Result, error) {
	if os.Geteuid() != 0 {
		return Result{}, errors.New("build operating system image: needs root to make owners and device nodes; run it with sudo")
	}
	sources, err := HostSources(os.DirFS("/etc/apt"), o.Recipe.Suite)
	if err != nil {
		return Result{}, fmt.Errorf("build operating system image: %w", err)
	}
	index := IndexDate(os.DirFS("/var/lib/apt/lists"), o.Recipe.Suite)
	id, err := key(o.Recipe, sources, index)
	if err != nil {
		return Result{}, err
	}
	dir := filepath.Join(o.CacheDir, o.Recipe.Suite+"-"+id)
	if r, err := cached(dir); err == nil && !o.Rebuild {
		return r, nil
	}
	b := builder{Options: o, sources: sources, epoch: index, began: time.Now()}
	r, err := b.into(ctx, dir, id)
	if err != nil {
		return Result{}, fmt.Errorf("build operating system image: %w", err)
	}
	return r, nil
}

// cached reads the result that a finished build left in dir.
func cached(dir string) (Result, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		return Result{}, err
	}
	var r Result
	if err := json.Unmarshal(raw, &r); err != nil {
		return Result{}, err
	}
	r.WIM, r.Manifest, r.Cached = filepath.Join(dir, wimName), filepath.Join(dir, manifestName), true
	info, err := os.Stat(r.WIM)
	if err != nil {
		return Result{}, err
	}
	if info.Size() != r.WIMSize {
		return Result{}, fmt.Errorf("cached image %s has %d bytes, %d were built", r.WIM, info.Size(), r.WIMSize)
	}
	_, err = os.Stat(r.Manifest)
	return r, err
}

const (
	wimName      = "image.wim"
	manifestName = "manifest.json"
)

// into builds in a folder beside dir and renames it when all is there.
func (b *builder) into(ctx context.Context, dir, id string) (Result, error) {
	if err := os.MkdirAll(b.CacheDir, 0o755); err != nil {
		return Result{}, err
	}
	work, err := os.MkdirTemp(b.CacheDir, "building-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil { // apt's own user must get in
		return Result{}, err
	}
	r, err := b.make(ctx, work)
	if err != nil {
		return Result{}, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return Result{}, err
	}
	r.Key, r.Took = id, time.Since(b.began)
	raw, err := json.Marshal(r)
	if err != nil {
		return Result{}, err
	}
	if err := writeFile(filepath.Join(work, "result.json"), raw); err != nil {
		return Result{}, err
	}
	if err := os.RemoveAll(filepath.Join(work, "tree")); err != nil {
		return Result{}, err
	}
	if err := os.Rename(work, dir); err != nil {
		return Result{}, err
	}
	r.WIM, r.Manifest = filepath.Join(dir, wimName), filepath.Join(dir, manifestName)
	return r, syncDir(b.CacheDir)
}

// make fills work with the tree, its manifest and the WIM.
func (b *builder) make(ctx context.Context, work string) (Result, error) {
	tree := filepath.Join(work, "tree")
	if err := b.bootstrap(ctx, work, tree); err != nil {
		return Result{}, err
	}
	b.tell("settings", 0, 0)
	if err := b.configure(tree); err != nil {
		return Result{}, err
	}
	b.tell("manifest", 0, 0)
	m, err := Describe(ctx, tree)
	if err != nil {
		return Result{}, err
	}
	if err := m.exercises(); err != nil {
		return Result{}, err
	}
	if err := m.Save(filepath.Join(work, manifestName)); err != nil {
		return Result{}, err
	}
	wim := filepath.Join(work, wimName)
	if err := b.capture(ctx, tree, wim); err != nil {
		return Result{}, err
	}
	info, err := os.Stat(wim)
	if err != nil {
		return Result{}, err
	}
	return Result{WIMSize: info.Size(), TreeSize: m.bytes(), Entries: len(m.Entries)}, nil
}

// exercises refuses a tree on which the comparison would prove little.
func (m Manifest) exercises() error {
	var setuid, capability, symlink, hardlink bool
	for _, e := range m.Entries {
		setuid = setuid || e.Type == "file" && e.Mode >= "4000"
		capability = capability || e.Xattrs["security.capability"] != ""
		symlink = symlink || e.Type == "symlink"
		hardlink = hardlink || e.LinkedTo != ""
	}
	var missing []error
	for name, have := range map[string]bool{
		"setuid program": setuid, "file capability": capability, "symbolic link": symlink, "hard link": hardlink,
	} {
		if !have {
			missing = append(missing, fmt.Errorf("the tree holds no %s, so a deployment could lose them unseen", name))
		}
	}
	return errors.Join(missing...)
}

// bytes is the size of all files, each hard link group counted once.
func (m Manifest) bytes() int64 {
	var n int64
	for _, e := range m.Entries {
		if e.LinkedTo == "" {
			n += e.Size
		}
	}
	return n
}
