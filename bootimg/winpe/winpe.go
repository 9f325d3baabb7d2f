// Package winpe makes a boot image of a customer's boot.wim: a folder with the WIM
// and with the boot managers that it holds, as firmware asks for them by TFTP.
//
// Nothing is added to the WIM and nothing in it is changed. What takes files out of
// it is wimlib-imagex, a separate program. The BCD is not made here: its paths name
// the boot image, so the box makes it (docs/formats/windows-boot.md).
package winpe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/diskfs/wim"
)

// Extract makes the content of a boot image from a WIM in dir, which must be
// empty. It returns the files that the WIM lacks, each with what does not work
// without it, and fails when no machine could start it. The WIM is linked into dir
// where that is possible, else copied.
func Extract(ctx context.Context, r tool.Runner, path, dir string) ([]Missing, error) {
	fail := func(err error) ([]Missing, error) { return nil, fmt.Errorf("boot image of %s: %w", path, err) }
	if err := verify(ctx, path); err != nil {
		return fail(err)
	}
	index, err := bootIndex(path)
	if err != nil {
		return fail(err)
	}
	from, err := os.MkdirTemp(filepath.Dir(dir), ".winpe-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(from)
	found, err := unpack(ctx, r, path, index, from)
	if err != nil {
		return fail(err)
	}
	missing, err := arrange(found, dir)
	if err != nil {
		return fail(err)
	}
	if err := place(path, filepath.Join(dir, filepath.FromSlash(WIM))); err != nil {
		return fail(err)
	}
	return missing, nil
}

// verify reads the whole WIM, where it has a table of sums to hold it against.
func verify(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := wim.Verify(ctx, f, st.Size(), nil); !errors.Is(err, wim.ErrNoIntegrity) {
		return err
	}
	return nil
}

// bootIndex is the image that the boot manager would start.
func bootIndex(path string) (int, error) {
	info, err := wim.ReadFile(path)
	if err != nil {
		return 0, err
	}
	if info.BootIndex == 0 {
		return 0, errors.New("none of its images is marked as the one to boot; mark it with: wimlib-imagex info FILE INDEX --boot")
	}
	image, err := info.Image(info.BootIndex)
	if err != nil {
		return 0, err
	}
	if image.Arch != "" && image.Arch != "amd64" {
		return 0, fmt.Errorf("it is for %s; boot images of Windows are started on x64 only", image.Arch)
	}
	return info.BootIndex, nil
}

// unpack takes the files that are there out of the WIM, and returns where they lie,
// by their paths in the WIM in lower case.
func unpack(ctx context.Context, r tool.Runner, path string, index int, dir string) (map[string]string, error) {
	args := []string{"extract", path, strconv.Itoa(index)}
	for _, f := range files {
		args = append(args, f.paths...)
	}
	args = append(args, fontPattern, "--dest-dir="+dir, "--preserve-dir-structure", "--nullglob", "--no-acls", "--no-attributes")
	env := append(tool.DefaultEnv(), "WIMLIB_IMAGEX_IGNORE_CASE=1")
	if err := r.Run(ctx, tool.Command{Path: "wimlib-imagex", Args: args, Env: env}); err != nil {
		return nil, fmt.Errorf("take the boot files out of it: %w", err)
	}
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found[strings.ToLower("/"+filepath.ToSlash(strings.TrimPrefix(name, dir+string(filepath.Separator))))] = name
		}
		return err
	})
	return found, err
}

// arrange moves what was found to where the content has it.
func arrange(found map[string]string, dir string) (missing []Missing, err error) {
	take := map[string]string{}
	for _, f := range files {
		for _, p := range f.paths {
			if name, ok := found[strings.ToLower(p)]; ok && take[f.name] == "" {
				take[f.name] = name
			}
		}
		if take[f.name] == "" {
			missing = append(missing, Missing{f.paths[0], f.lacks})
		}
	}
	if err := startable(func(name string) bool { return take[name] != "" }); err != nil {
		return nil, err
	}
	fonts := false
	for p, name := range found {
		if strings.HasSuffix(p, ".ttf") {
			fonts = true
			take[fontFolder+p[strings.LastIndexByte(p, '/'):]] = name
		}
	}
	if !fonts {
		missing = append(missing, Missing{fontPattern, fontsLack})
	}
	for to, name := range take {
		to = filepath.Join(dir, filepath.FromSlash(to))
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(name, to)); err != nil {
			return nil, err
		}
	}
	return missing, nil
}

// place links a file, or copies it to another file system.
func place(from, to string) error {
	from, err := filepath.EvalSymlinks(from) // a link to a link would lead out of the folder
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
