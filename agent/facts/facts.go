// Package facts answers what the conditions of a task sequence ask of a machine: files and
// folders, the operating system, installed software, hardware queries.
//
// Files, system and software are those of one system, whose folder may change while a sequence
// runs: in the boot image it is the boot image until an operating system is applied, and that
// one from then on. A link is followed as that system itself would follow it, and never leads out
// of its folder. The package changes nothing and opens nothing but regular files.
package facts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/bootward/bootward/agent/tree"
	"github.com/bootward/bootward/osd/query"
)

// Machine implements sequence.Facts.
type Machine struct {
	// Root is the folder of the system that is asked about, such as /.
	Root func() (string, error)
	// Computer is what queries look at. Its operating system is that of Root.
	Computer query.Computer
}

// Changed implements sequence.Facts. What is no folder is a file.
func (m *Machine) Changed(name string, folder bool) (at time.Time, found bool, err error) {
	err = m.open(func(root *os.Root) error {
		info, err := tree.Stat(root, inside(name))
		if missing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		at, found = info.ModTime(), info.IsDir() == folder
		return nil
	})
	return at, found, err
}

// open opens the folder of the system.
func (m *Machine) open(do func(*os.Root) error) error {
	dir, err := m.Root()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the system at %s: %w", dir, err)
	}
	defer root.Close()
	return do(root)
}

// inside is an absolute path of the system, seen from its folder.
func inside(name string) string {
	if clean := strings.TrimPrefix(path.Clean("/"+name), "/"); clean != "" {
		return clean
	}
	return "."
}

// missing says that there is no such file; a path through a file leads to none either.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

// regular opens a regular file, and nothing that waits for somebody on its other side.
func regular(root *os.Root, name string) (*os.File, error) {
	info, err := tree.Stat(root, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("/%s is no regular file", name)
	}
	return tree.Open(root, name)
}

// Query implements sequence.Facts.
func (m *Machine) Query(text string) (found bool, warning string, err error) {
	q, err := query.Parse(text)
	if err != nil {
		return false, "", err
	}
	c := m.Computer
	if c.Facts.System, _, err = m.system(); err != nil {
		return false, "", err
	}
	found, warnings := q.Matches(&c)
	if len(warnings) == 0 {
		warnings = q.Warnings(query.Known)
	}
	texts := make([]string, len(warnings))
	for i, w := range warnings {
		texts[i] = string(w)
	}
	return found, strings.Join(texts, "; "), nil
}
