package step

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// applyDataImage lays an image without an operating system down on a volume that this job
// made, or in a folder of it. The volume is mounted beside the target's for that time.
func (x *Executor) applyDataImage(ctx context.Context, line sequence.Line, s *sequence.ApplyDataImage, env *sequence.Environment) engine.Result {
	l, v, err := x.chosen(s.To, env)
	if err != nil {
		return failed(err)
	}
	folder, err := env.Expand(s.Folder)
	if err != nil {
		return failed(err)
	}
	folder = strings.Trim(strings.ReplaceAll(folder, `\`, "/"), "/")
	if v.Device == l.Target && folder == "" {
		return failed(fmt.Errorf("volume %s holds the operating system, and the image would go over it; give a folder, or another volume", v.Device))
	}
	index := max(s.Index, 1)
	x.Say(fmt.Sprintf("apply data image %q, index %d, to %s /%s", s.Image, index, v.Device, folder))
	progress := func(done, total int64) { x.Progress(line, done, total) }
	switch diskfs.FileSystem(v.FileSystem) {
	case diskfs.NTFS:
		if folder != "" {
			return failed(fmt.Errorf("folder: %q: an image goes to the root of an NTFS volume; leave it out", folder))
		}
		err = x.Images.ApplyNTFS(ctx, s.Image, index, v.Device, progress)
	case diskfs.Ext4, diskfs.XFS:
		err = x.applyMounted(v, v.Device == l.Target, folder, func(at string) error {
			return x.Images.Apply(ctx, s.Image, index, at, progress)
		})
	default:
		err = fmt.Errorf("volume %s has file system %q; a data image is applied to ext4, xfs or ntfs", v.Device, v.FileSystem)
	}
	if err != nil {
		return failed(err)
	}
	return engine.Result{Output: fmt.Sprintf("data image %q, index %d, is on %s in /%s", s.Image, index, v.Device, folder)}
}

// applyMounted mounts a volume, makes the folder there and hands it on. The target's own
// volume is mounted already, and stays.
func (x *Executor) applyMounted(v job.Volume, target bool, folder string, apply func(at string) error) (err error) {
	at := x.Data
	if target {
		at = x.Root
	}
	if err := x.Volumes.Mount(v.Device, diskfs.FileSystem(v.FileSystem), at); err != nil {
		return err
	}
	if !target {
		defer func() { err = errors.Join(err, x.Volumes.Unmount(at)) }()
	}
	into, err := makeFolder(at, folder)
	if err != nil {
		return err
	}
	return apply(into)
}

// makeFolder makes a folder below a mount point. A link that leads out of the volume is
// refused: what is there belongs to the boot image.
func makeFolder(at, folder string) (string, error) {
	root, err := os.OpenRoot(at)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if folder == "" {
		return at, nil
	}
	if err := root.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("folder %q of the volume: %w", folder, err)
	}
	base, err1 := filepath.EvalSymlinks(at)
	into, err2 := filepath.EvalSymlinks(filepath.Join(at, folder))
	if err := errors.Join(err1, err2); err != nil {
		return "", fmt.Errorf("folder %q of the volume: %w", folder, err)
	}
	if !strings.HasPrefix(into, base+"/") {
		return "", fmt.Errorf("folder %q leads out of the volume", folder)
	}
	return into, nil
}
