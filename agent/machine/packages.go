package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/agent/tree"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
)

// Packages implements step.Packages: they come from the box.
type Packages struct{ *Supply }

// Find implements step.Packages.
func (m *Packages) Find(nameOrID string) (api.JobContent, error) {
	for _, fits := range []func(api.JobContent) bool{
		func(c api.JobContent) bool { return c.Name == nameOrID },
		func(c api.JobContent) bool { return c.ID == nameOrID },
	} {
		i := slices.IndexFunc(m.Content, func(c api.JobContent) bool { return c.Kind == string(osd.KindPackage) && fits(c) })
		if i >= 0 {
			return m.Content[i], nil
		}
	}
	return api.JobContent{}, notOfTheJob(string(osd.KindPackage), nameOrID)
}

func notOfTheJob(kind, name string) error {
	return fmt.Errorf("%s %q is not among the content of the job; distribute it to the box and advertise again", kind, name)
}

// Fetch implements step.Packages. What was made for a user is not trusted: it is fetched again.
func (m *Packages) Fetch(ctx context.Context, p api.JobContent, dir string, o step.Fetching) error {
	if err := m.unpack(ctx, p, dir, o); err != nil {
		return fmt.Errorf("package %q: %w", p.Name, err)
	}
	return nil
}

func (m *Packages) unpack(ctx context.Context, p api.JobContent, dir string, o step.Fetching) error {
	manifest, err := m.manifest(ctx, p.Manifest)
	if err != nil {
		return err
	}
	if err := ownFolder(dir); err != nil {
		return err
	}
	missing, err := lacking(ctx, manifest, dir)
	if err == nil {
		err = room(dir, missing)
	}
	if err == nil {
		err = m.bring(ctx, missing, manifest.Bytes(), dir, o)
	}
	if err != nil || o.Owner == "" {
		return err
	}
	return handTo(dir, o.Owner)
}

// ownFolder makes a folder that root alone can open, below those that everybody may pass through.
func ownFolder(dir string) error {
	info, err := os.Lstat(dir)
	if err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); info.IsDir() && ok && st.Uid == uint32(os.Geteuid()) {
			return os.Chmod(dir, 0o700)
		}
		err = os.RemoveAll(dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(dir), 0o711), os.Mkdir(dir, 0o700))
}

// handTo gives the folder, but none of the files, to a user.
func handTo(dir, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return fmt.Errorf("make it readable for %s: %w; make the user in a step before this one", name, err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return fmt.Errorf("make it readable for %s: %w", name, err)
	}
	return os.Lchown(dir, uid, -1)
}

// bring fetches files into a store beside dir, and puts each where it belongs when it is whole.
// What a power cut left in the store is gone on with.
func (m *Packages) bring(ctx context.Context, files []content.File, total int64, dir string, o step.Fetching) (err error) {
	if len(files) == 0 {
		return nil
	}
	at := dir + ".part"
	store, err := content.OpenDirectory(at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(at)) }()
	store.Reserve = 0 // whether all fits was looked at
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	done := total
	for _, f := range files {
		done -= f.Size
	}
	for _, f := range files {
		err := m.fetch(ctx, store, f, func(got int64) { tell(o.Progress, done+got, total) })
		if err == nil {
			err = place(store, root, f)
		}
		if err != nil {
			return fmt.Errorf("file %q: %w", f.Path, err)
		}
		done += f.Size
	}
	return nil
}

// place copies a file out of the store.
func place(store *content.Directory, root *os.Root, f content.File) error {
	from, err := store.Open(f.SHA256)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := root.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	return errors.Join(tree.Copy(root, f.Path, os.FileMode(f.Mode&0o755|0o400), from), os.Remove(from.Name()))
}
