//go:build linux

// Package contentfs shows a file of content to programs that seek, such as
// wimlib, as a read-only file in a FUSE file system: what they read is fetched
// and verified chunk by chunk (content.Remote), and nothing is stored twice on
// the target. A chunk that cannot be had gives EIO; a byte that was not
// verified is never read.
//
// It mounts without fusermount, so it needs root and /dev/fuse (fuse(4)), and
// writes nowhere.
package contentfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/content"
)

const (
	// readSize is the largest read that the kernel sends, and how far it
	// reads ahead, in bytes.
	readSize = 1 << 20
	// forever is how long the kernel may remember names and sizes: they
	// never change.
	forever = 24 * time.Hour
)

// Mount shows r as the file dir/name and returns its path. The directory is
// made if it is not there. When ctx ends, reads fail. unmount must be called;
// it may be called again. It takes the mount away also while a program still
// has the file open (that program reads EIO from then on), and leaves r open.
// Why reads failed, r.LastError tells.
func Mount(ctx context.Context, dir, name string, r *content.Remote) (path string, unmount func() error, err error) {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") || name == string(filepath.Separator) {
		return "", nil, fmt.Errorf("mount content: %q is no file name", name)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("mount content: %w", err)
	}
	m := &mount{dir: dir}
	m.ctx, m.stop = context.WithCancel(ctx)
	m.server, err = fs.Mount(dir, &root{name: name, file: &file{ctx: m.ctx, remote: r}}, options())
	if err != nil {
		m.stop()
		return "", nil, fmt.Errorf("mount content on %s: %w", dir, err)
	}
	if err := setReadAhead(dir); err != nil {
		return "", nil, errors.Join(fmt.Errorf("mount content on %s: %w", dir, err), m.unmount())
	}
	return filepath.Join(dir, name), sync.OnceValue(m.unmount), nil
}

func options() *fs.Options {
	timeout := forever
	return &fs.Options{
		EntryTimeout: &timeout, AttrTimeout: &timeout, NegativeTimeout: &timeout,
		MountOptions: fuse.MountOptions{
			FsName: "bootward-content", Name: "bootward",
			DirectMountStrict: true,
			DirectMountFlags:  unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC,
			MaxWrite:          readSize, MaxReadAhead: readSize,
			DisableXAttrs: true,
			DisableSplice: true,                       // what is read lies in memory, not in a file
			Logger:        log.New(io.Discard, "", 0), // what matters, the reader and LastError get
		},
	}
}

type mount struct {
	dir    string
	server *fuse.Server
	ctx    context.Context
	stop   context.CancelFunc
}

// unmount ends the reads that wait, takes the mount out of the tree, and, if
// nobody holds the file, waits until it is gone.
func (m *mount) unmount() error {
	m.stop()
	if err := m.server.Unmount(); err == nil {
		return nil
	}
	if err := unix.Unmount(m.dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount content from %s: %w", m.dir, err)
	}
	return nil
}

// setReadAhead raises what the kernel reads ahead above its 128 KiB: the file
// system may only lower it at FUSE_INIT.
func setReadAhead(dir string) error {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return fmt.Errorf("read-ahead: %w", err)
	}
	name := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", unix.Major(st.Dev), unix.Minor(st.Dev))
	err := os.WriteFile(name, fmt.Appendf(nil, "%d", readSize>>10), 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.EROFS) {
		return nil // no sysfs to write to: slower, not wrong
	}
	return err
}
