package osimage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// configure gives the tree what makes it an image and not a machine: no machine
// id, a neutral name, no logs, no lists of packages.
func (b *builder) configure(tree string) error {
	root, err := os.OpenRoot(tree)
	if err != nil {
		return err
	}
	defer root.Close()
	for name, text := range map[string]string{
		"etc/hostname":   b.Recipe.HostName + "\n",
		"etc/hosts":      "127.0.0.1\tlocalhost\n127.0.1.1\t" + b.Recipe.HostName + "\n::1\tlocalhost ip6-localhost ip6-loopback\n",
		"etc/machine-id": "",
	} {
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			return fmt.Errorf("configure image: %w", err)
		}
	}
	for _, name := range []string{"var/lib/dbus/machine-id", "var/log/bootstrap.log", "var/log/dpkg.log", "var/log/alternatives.log"} {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("configure image: %w", err)
		}
	}
	for _, dir := range []string{"var/lib/apt/lists", "var/log/apt"} {
		if err := root.RemoveAll(dir); err != nil {
			return fmt.Errorf("configure image: %w", err)
		}
	}
	return nil
}

// writeFile makes path hold raw: a file beside it, synced, then renamed.
func writeFile(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(raw)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
