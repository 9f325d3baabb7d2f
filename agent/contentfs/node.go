//go:build linux

package contentfs

import (
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/bootward/bootward/content"
)

// root is the directory with the one file.
type root struct {
	fs.Inode
	name string
	file *file
}

// OnAdd implements fs.NodeOnAdder.
func (n *root) OnAdd(ctx context.Context) {
	n.AddChild(n.name, n.NewPersistentInode(ctx, n.file, fs.StableAttr{Mode: syscall.S_IFREG}), false)
}

// Getattr implements fs.NodeGetattrer.
func (n *root) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = syscall.S_IFDIR | 0o500
	return 0
}

// file is the one file.
type file struct {
	fs.Inode
	ctx    context.Context // of the mount
	remote *content.Remote
}

// Getattr implements fs.NodeGetattrer.
func (n *file) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = syscall.S_IFREG | 0o400
	out.Size = uint64(n.remote.Size())
	out.Blocks = (out.Size + 511) / 512
	return 0
}

// Open implements fs.NodeOpener. The kernel may keep its pages: they hold
// verified bytes of a file that never changes.
func (n *file) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	return nil, fuse.FOPEN_KEEP_CACHE, 0
}

// Read implements fs.NodeReader: all that was asked for, verified, or EIO.
// ctx ends when the reader gets a signal; what is being fetched then still
// arrives in the cache, so that the read that follows finds it.
func (n *file) Read(ctx context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if n.ctx.Err() != nil {
		return nil, syscall.EIO
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.ctx, cancel)()
	got, err := n.remote.ReadAtContext(ctx, dest, off)
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return fuse.ReadResultData(dest[:got]), 0
	case n.ctx.Err() == nil && ctx.Err() != nil:
		return nil, syscall.EINTR
	}
	return nil, syscall.EIO
}
