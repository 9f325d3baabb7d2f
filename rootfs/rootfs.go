// Package rootfs says what goes into our initramfs images and puts it there.
//
// An image is three newc cpio archives (initramfs buffer format, Documentation/driver-api/early-userspace of the Linux
// kernel), appended and compressed as one zstd frame: the base (u-root's busybox), the kernel modules that the
// board names with everything they need, and ours last, so that our /init wins. The same inputs give the same bytes:
// names are sorted, times are zero, owners are root, inode numbers count up.
//
// Everything comes out of a Kit, a directory with a bill of materials; a file that differs from its digest there is
// refused. The package never runs a program and never looks at the machine it runs on.
package rootfs

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// compressionWindow is what the kernel must keep to unpack, in bytes: at most 128 MiB (lib/decompress_unzstd.c). A big
// one finds in one program what it shares with another; beyond 16 MiB, unpacking costs what the smaller image gains.
const compressionWindow = 16 << 20

// archiveAlign is where the kernel looks for the next archive (init/initramfs.c wants 4; cpio's own blocks are these).
const archiveAlign = 512

// Compress returns data as one zstd frame. One worker and a fixed window: the same input gives the same bytes.
func Compress(data []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(compressionWindow))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil), nil
}

// Concatenate appends the archives, padded with zeros, and compresses them as one, which the kernel unpacks in order.
func Concatenate(archives ...[]byte) ([]byte, error) {
	var out bytes.Buffer
	for _, a := range archives {
		out.Write(a)
		out.Write(make([]byte, -len(a)&(archiveAlign-1)))
	}
	return Compress(out.Bytes())
}
