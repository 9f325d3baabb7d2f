package diskfs

import (
	"context"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// zeroStep is how much is zeroed between two looks at the context, in bytes.
const zeroStep = 64 << 20

// zero overwrites the target: with BLKZEROOUT on a device, which the device may
// do by itself, and with a hole in a file.
func zero(ctx context.Context, t Target) error {
	f, err := openTarget(t)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for done := int64(0); done < t.Length; done += zeroStep {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		at, n := t.Offset+done, min(zeroStep, t.Length-done)
		if err := zeroRange(f, info.Mode().IsRegular(), at, n); err != nil {
			return fmt.Errorf("overwrite with zeros at %s: %w", Bytes(at), err)
		}
	}
	return f.Sync()
}

func zeroRange(f *os.File, regular bool, at, n int64) error {
	if regular {
		return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, n)
	}
	span := [2]uint64{uint64(at), uint64(n)}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.BLKZEROOUT, uintptr(unsafe.Pointer(&span)))
	if errno != 0 {
		return errno
	}
	return nil
}
