package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

const espOptions = "umask=0077,codepage=437,iocharset=ascii,errors=remount-ro"

// mountESP mounts the firmware's ESP at /boot, read-only.
func mountESP(name string) error {
	return mount(mountPoint{"/dev/" + name, "/boot", "vfat", unix.MS_RDONLY | locked, espOptions, false})
}

// placeSeed puts the configuration and the token where bootwardd looks for them: a configuration kept on the data
// partition wins over the seed on the ESP. It returns in words what it used.
func placeSeed(kept, seed, config, token string) (string, error) {
	used := "none"
	for _, from := range []string{filepath.Join(kept, "box.yaml"), filepath.Join(seed, "box.yaml")} {
		err := copyFile(from, config, 0o644)
		if err == nil {
			used = from
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	err := copyFile(filepath.Join(seed, "enrol.token"), token, 0o600)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return used, nil
}

func copyFile(from, to string, perm fs.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	if err := os.WriteFile(to, data, perm); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	return os.Chmod(to, perm)
}

var seedLock sync.Mutex // the ESP's mount is one per machine

// ConsumeSeed removes a file of the seed for good, once it is used: the ESP is made writable, the file overwritten
// with zeros, deleted, all of it flushed, and the ESP made read-only again. bootwardd calls it with "enrol.token"
// after it has enrolled. The copy in /run goes too. A file that is not there is no error, so it may be called again.
func ConsumeSeed(ctx context.Context, name string) error {
	if filepath.Base(name) != name || name == "." || name == ".." {
		return fmt.Errorf("seed %q: is no plain file name", name)
	}
	seedLock.Lock()
	defer seedLock.Unlock()
	if err := os.Remove(filepath.Join(RunDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("seed %s: %w", name, err)
	}
	file := filepath.Join(SeedDir, name)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("seed %s: %w", name, err)
	}
	if err := unix.Mount("", "/boot", "", unix.MS_REMOUNT|locked, espOptions); err != nil {
		return fmt.Errorf("seed %s: make /boot writable: %w", name, err)
	}
	err := shred(file)
	if again := unix.Mount("", "/boot", "", unix.MS_REMOUNT|unix.MS_RDONLY|locked, espOptions); again != nil {
		err = errors.Join(err, fmt.Errorf("make /boot read-only again: %w", again))
	}
	if err != nil {
		return fmt.Errorf("seed %s: %w", name, err)
	}
	return nil
}

// shred overwrites a file in place, deletes it, and flushes file and folder.
func shred(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, info.Size()), 0)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Remove(name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
