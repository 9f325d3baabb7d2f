package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bootward/bootward/agent/image"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/diskfs/wim"
)

// applyDownloaded fetches an image whole to the volume mounted at o.Target,
// applies it from there and removes it. Nothing is applied before every chunk and
// the whole file were verified. It refuses to begin where file and applied image
// do not fit beside each other.
func (m *Images) applyDownloaded(ctx context.Context, wimlib image.Wimlib, remote *content.Remote, o image.Options) (err error) {
	f := remote.File()
	info, err := wim.Read(remote, f.Size)
	if err != nil {
		return fmt.Errorf("image file %q: %w", f.Path, errors.Join(err, remote.LastError()))
	}
	one, err := info.Image(o.Index)
	if err != nil {
		return fmt.Errorf("image file %q: %w", f.Path, err)
	}
	if err := image.FitsBeside(one, o.Target, f.Size); err != nil {
		return fmt.Errorf("download %q: %w", f.Path, err)
	}
	dir := filepath.Join(o.Target, job.Name, "content")
	defer func() {
		err = errors.Join(err, os.RemoveAll(dir))
		_ = os.Remove(filepath.Dir(dir)) // it stays where the job's folder is
	}()
	m.Say(fmt.Sprintf("download %s, %d MiB", f.Path, f.Size>>20))
	path, err := m.download(ctx, dir, f, func(done int64) { tell(o.Progress, done, f.Size+one.Bytes()) })
	if err != nil {
		return err
	}
	m.Say("apply what was downloaded")
	link := filepath.Join(m.Dir, filepath.Base(f.Path))
	if err := errors.Join(removeIfThere(link), os.Symlink(path, link)); err != nil {
		return fmt.Errorf("download %q: %w", f.Path, err)
	}
	defer func() { err = errors.Join(err, removeIfThere(link)) }()
	own := o.Progress
	o.WIM, o.Progress = link, func(done, total int64) { tell(own, f.Size+done, f.Size+total) }
	_, err = image.Apply(ctx, wimlib, o)
	return err
}

func tell(progress func(done, total int64), done, total int64) {
	if progress != nil {
		progress(done, total)
	}
}

// download fetches a file into a store at dir, and says where it is. It goes on
// where a try ended.
func (m *Images) download(ctx context.Context, dir string, f content.File, progress func(done int64)) (string, error) {
	store, err := content.OpenDirectory(dir)
	if err != nil {
		return "", fmt.Errorf("download %q: %w", f.Path, err)
	}
	store.Reserve = 0 // whether all fits was looked at
	if err := m.fetch(ctx, store, f, progress); err != nil {
		return "", fmt.Errorf("download %q: %w", f.Path, err)
	}
	file, err := store.Open(f.SHA256)
	if err != nil {
		return "", fmt.Errorf("download %q: %w", f.Path, err)
	}
	return file.Name(), file.Close()
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
