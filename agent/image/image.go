// Package image lays an image of a WIM down on a mounted volume with
// wimlib-imagex, a separate program (GPL) that stays outside our binaries.
//
// Owners, modes, times, links, device nodes and extended attributes come from
// wimlib's UNIX data. It refuses to begin where the image does not fit, and it
// does not clean up after a failure: what was written in part must be erased, so
// the sequence starts again at partitioning.
package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/diskfs/wim"
)

// Wimlib says how to reach wimlib-imagex.
type Wimlib struct {
	Runner tool.Runner
	Path   string // empty: wimlib-imagex from PATH
}

// Options for Apply.
type Options struct {
	WIM    string // path; may be a file in a FUSE mount that fetches and verifies
	Index  int    // of the image, from 1
	Target string // folder where the volume is mounted, or the device of an NTFS volume
	// NTFS says that Target is a device: wimlib writes to the volume by itself. Owners and
	// modes of Linux are left out then, and whether the image fits is not looked at.
	NTFS bool
	// Progress, if not nil, gets bytes of data written and in all, at every line
	// of wimlib's output that says so. It must return at once.
	Progress func(done, total int64)
}

// ErrNoSpace says that a volume is too small for an image.
var ErrNoSpace = errors.New("not enough space; make the volume larger or choose a larger disk")

// ErrDamaged says that the image turned out wrong while it was applied: what was
// written is worthless.
var ErrDamaged = errors.New("the image could not be read or is damaged; what was written is worthless, partition and format again")

// Apply lays the image down and returns its description. It checks space first:
// blocks and inodes. At the end everything is synced to the disk.
func Apply(ctx context.Context, w Wimlib, o Options) (wim.Image, error) {
	fail := func(err error) (wim.Image, error) {
		return wim.Image{}, fmt.Errorf("apply image %d of %s to %s: %w", o.Index, o.WIM, o.Target, err)
	}
	info, err := wim.ReadFile(o.WIM)
	if err != nil {
		return fail(err)
	}
	image, err := info.Image(o.Index)
	if err != nil {
		return fail(err)
	}
	if !o.NTFS {
		if err := Fits(image, o.Target); err != nil {
			return fail(err)
		}
	}
	args := []string{"apply", o.WIM, strconv.Itoa(o.Index), o.Target}
	if !o.NTFS {
		args = append(args, "--unix-data")
	}
	watch := watcher{total: image.Bytes(), tell: o.Progress}
	err = w.Runner.Run(ctx, tool.Command{
		Path: cmp.Or(w.Path, "wimlib-imagex"),
		Args: args,
		Line: watch.line,
	})
	if err != nil {
		return fail(explain(err))
	}
	if err := syncAll(o); err != nil {
		return fail(fmt.Errorf("write to disk: %w", err))
	}
	if o.Progress != nil {
		o.Progress(watch.total, watch.total)
	}
	return image, nil
}

// syncAll is syncfs(2), and fsync(2) of a device: they report errors of earlier writes, as
// sync(2) cannot.
func syncAll(o Options) error {
	d, err := os.Open(o.Target)
	if err != nil {
		return err
	}
	defer d.Close()
	if o.NTFS {
		return d.Sync()
	}
	return unix.Syncfs(int(d.Fd()))
}

// wimlib's exit statuses (wimlib.h, enum wimlib_error_code).
const (
	codeDecompression = 2
	codeBadHash       = 28 // INVALID_RESOURCE_HASH, also bad integrity on extraction
	codeIntegrity     = 13
	codeRead          = 50
	codeUnexpectedEnd = 65
	codeWrite         = 72
)

// explain says what an exit status means for the deployment.
func explain(err error) error {
	code, ok := tool.Code(err)
	if !ok {
		return err
	}
	switch code {
	case codeDecompression, codeBadHash, codeIntegrity, codeRead, codeUnexpectedEnd:
		return fmt.Errorf("%w (%w)", ErrDamaged, err)
	case codeWrite:
		if noSpace.MatchString(err.Error()) {
			return fmt.Errorf("%w (%w)", ErrNoSpace, err)
		}
	}
	return err
}

var noSpace = regexp.MustCompile(`(?i)no space left on device|disk quota exceeded`)

// Fits checks that the volume mounted at dir has room for the image. Its error
// wraps ErrNoSpace and says how much is needed and how much there is.
func Fits(i wim.Image, dir string) error { return FitsBeside(i, dir, 0) }

// FitsBeside is Fits where so many bytes more go onto the volume first.
func FitsBeside(i wim.Image, dir string, more int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("ask %s for its free space: %w", dir, err)
	}
	inodes := int64(st.Ffree)
	if st.Files == 0 { // file systems without a limit say 0
		inodes = math.MaxInt64
	}
	if err := NeedOf(i, more).In(int64(st.Bfree)*st.Bsize, inodes); err != nil { // root may use the reserved blocks too
		return fmt.Errorf("image %q to %s: %w", i.Name, dir, err)
	}
	return nil
}
