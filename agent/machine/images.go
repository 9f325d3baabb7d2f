package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/bootward/bootward/agent/image"
	"github.com/bootward/bootward/agent/tree"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/diskfs/wim"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// Mount shows a remote file as a local one: see agent/contentfs.
type Mount func(ctx context.Context, dir, name string, r *content.Remote) (path string, unmount func() error, err error)

// Images implements step.Images: wimlib comes from the box as a package, and
// reads the image through a file whose reads are verified chunks.
type Images struct {
	*Supply
	// Dir is where the tools and the mounted image go, in memory.
	Dir   string
	Mount Mount
	// Download fetches an image whole to the target's volume before it is applied.
	Download bool
}

// Apply implements step.Images.
func (m *Images) Apply(ctx context.Context, name string, index int, target string, progress func(done, total int64)) error {
	return m.apply(ctx, name, image.Options{Index: index, Target: target, Progress: progress})
}

// ApplyNTFS implements step.Images. The image is always applied while it is fetched: the
// volume is not mounted, so there is no place for its file.
func (m *Images) ApplyNTFS(ctx context.Context, name string, index int, device string, progress func(done, total int64)) error {
	return m.apply(ctx, name, image.Options{Index: index, Target: device, NTFS: true, Progress: progress})
}

// Need implements step.Images: the image's own description counts, which lies at the end of
// its file and is verified like all of it.
func (m *Images) Need(ctx context.Context, name string, index int) (need image.Need, err error) {
	_, remote, err := m.remote(ctx, name, 8)
	if err != nil {
		return need, err
	}
	defer func() { err = errors.Join(err, remote.Close()) }()
	info, err := wim.Read(remote, remote.Size())
	if err != nil {
		return need, fmt.Errorf("image %q: %w", name, errors.Join(err, remote.LastError()))
	}
	one, err := info.Image(index)
	if err != nil {
		return need, fmt.Errorf("image %q: %w", name, err)
	}
	download := int64(0)
	if m.Download {
		download = remote.Size()
	}
	return image.NeedOf(one, download), nil
}

// noSuchPath is wimlib's exit status for a path that an image does not have.
const noSuchPath = 49

// Holds implements step.Images: only the image's list of files is read.
func (m *Images) Holds(ctx context.Context, name string, index int, path string) (there bool, err error) {
	wimlib, err := m.tools(ctx)
	if err != nil {
		return false, err
	}
	_, remote, err := m.remote(ctx, name, 8)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, remote.Close()) }()
	err = m.mounted(ctx, remote, name, func(wim string) error {
		return wimlib.Runner.Run(ctx, tool.Command{Path: wimlib.Path, Args: []string{"dir", wim, strconv.Itoa(index), "--path=" + path}})
	})
	if code, ran := tool.Code(err); ran && code == noSuchPath {
		return false, nil
	}
	return err == nil, err
}

// mounted shows the file of an image as a local one while it is used.
func (m *Images) mounted(ctx context.Context, remote *content.Remote, name string, use func(wim string) error) error {
	dir := filepath.Join(m.Dir, "image")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("image %q: %w", name, err)
	}
	path, unmount, err := m.Mount(ctx, dir, "image.wim", remote)
	if err != nil {
		return fmt.Errorf("image %q: %w", name, err)
	}
	err = use(path)
	if why := remote.LastError(); err != nil && why != nil { // wimlib saw only that a read failed
		err = fmt.Errorf("image %q could not be fetched: %w; %w", name, why, err)
	}
	return errors.Join(err, unmount())
}

// remote opens the file of an image, which the caller closes.
func (m *Images) remote(ctx context.Context, name string, cacheMiB int) (api.JobContent, *content.Remote, error) {
	c, manifest, err := m.open(ctx, string(osd.KindImage), name)
	if err != nil {
		return c, nil, err
	}
	file := manifest.File(c.File)
	if file == nil {
		return c, nil, fmt.Errorf("image %q: its content has no file %q; import the image again", name, c.File)
	}
	remote, err := m.remoteFile(ctx, *file, cacheMiB)
	if err != nil {
		return c, nil, fmt.Errorf("image %q: %w", name, err)
	}
	return c, remote, nil
}

func (m *Images) apply(ctx context.Context, name string, o image.Options) (err error) {
	wimlib, err := m.tools(ctx)
	if err != nil {
		return err
	}
	_, remote, err := m.remote(ctx, name, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remote.Close()) }()
	if m.Download && !o.NTFS {
		return m.applyDownloaded(ctx, wimlib, remote, o)
	}
	return m.mounted(ctx, remote, name, func(wim string) error {
		o.WIM = wim
		_, err := image.Apply(ctx, wimlib, o)
		return err
	})
}

// open fetches the signed manifest of what the sequence names.
func (m *Images) open(ctx context.Context, kind, name string) (api.JobContent, *content.Manifest, error) {
	i := slices.IndexFunc(m.Content, func(c api.JobContent) bool { return c.Kind == kind && c.Name == name })
	if i < 0 {
		return api.JobContent{}, nil, notOfTheJob(kind, name)
	}
	c := m.Content[i]
	manifest, err := m.manifest(ctx, c.Manifest)
	if err != nil {
		return c, nil, fmt.Errorf("%s %q: %w", kind, name, err)
	}
	return c, manifest, nil
}

// tools fetches the imaging tools into memory, once.
func (m *Images) tools(ctx context.Context) (image.Wimlib, error) {
	dir := filepath.Join(m.Dir, "tools")
	done := filepath.Join(dir, ".complete")
	if _, err := os.Stat(done); err != nil {
		m.Say("fetch the imaging tools")
		if err := os.RemoveAll(dir); err != nil {
			return image.Wimlib{}, err
		}
		_, manifest, err := m.open(ctx, string(osd.KindPackage), sequence.ImagingTools)
		if err != nil {
			return image.Wimlib{}, err
		}
		if err := m.unpack(ctx, manifest, dir); err != nil {
			return image.Wimlib{}, fmt.Errorf("package %q: %w", sequence.ImagingTools, err)
		}
		if err := os.WriteFile(done, nil, 0o600); err != nil {
			return image.Wimlib{}, err
		}
	}
	return Wimlib(dir), nil
}

// unpack writes the files of a manifest below dir; every chunk is verified before
// a byte of it is written.
func (m *Images) unpack(ctx context.Context, manifest *content.Manifest, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range manifest.Files {
		remote, err := m.remoteFile(ctx, f, 8)
		if err != nil {
			return err
		}
		if err := root.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			return err
		}
		err = tree.Copy(root, f.Path, os.FileMode(f.Mode&0o755|0o400), io.NewSectionReader(remote, 0, f.Size))
		if err = errors.Join(err, remote.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Wimlib runs wimlib-imagex out of the bundle in dir, by the bundle's own loader:
//
//	DIR/lib/ld-linux-x86-64.so.2 --library-path DIR/lib DIR/bin/wimlib-imagex ...
func Wimlib(dir string) image.Wimlib {
	lib := filepath.Join(dir, "lib")
	run := func(ctx context.Context, c tool.Command) error {
		c.Args = append([]string{"--library-path", lib, c.Path}, c.Args...)
		c.Path = filepath.Join(lib, "ld-linux-x86-64.so.2")
		return tool.Exec{}.Run(ctx, c)
	}
	return image.Wimlib{Runner: tool.Func(run), Path: filepath.Join(dir, "bin", "wimlib-imagex")}
}

// Run implements tool.Runner: what the boot image has it runs, and what it lacks comes from
// the imaging tools, which are fetched then.
func (m *Images) Run(ctx context.Context, c tool.Command) error {
	if !slices.Contains([]string{diskfs.MkfsXFS, diskfs.Mkntfs, diskfs.Cryptsetup}, c.Path) {
		return tool.Exec{}.Run(ctx, c)
	}
	w, err := m.tools(ctx)
	if err != nil {
		return err
	}
	at := filepath.Join(filepath.Dir(w.Path), c.Path)
	if _, err := os.Stat(at); err != nil {
		return fmt.Errorf("package %q has no %s: import the tools of a newer kit at the site: %w", sequence.ImagingTools, c.Path, err)
	}
	c.Path = at
	return w.Runner.Run(ctx, c)
}
