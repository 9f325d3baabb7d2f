package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// fuseDevice is how programs find FUSE (misc device 229, Documentation/admin-guide/devices.txt). The kernel makes the
// node only when the module is there, and loads the module only when the node is opened: so it is made beforehand.
const (
	fuseDevice = "/dev/fuse"
	fuseMajor  = 10
	fuseMinor  = 229
)

// serveKernel makes this program the kernel's modprobe: whoever mounts a file system, opens a kind of socket or uses
// an algorithm has its module loaded then, and who does not, does not wait for it.
func serveKernel(l *loader) error {
	if err := os.WriteFile("/proc/sys/kernel/modprobe", []byte("/init\n"), 0); err != nil {
		return fmt.Errorf("kernel modules: %w", err)
	}
	if len(l.table.resolve("fuse")) == 0 {
		return nil
	}
	err := unix.Mknod(fuseDevice, unix.S_IFCHR|0o600, int(unix.Mkdev(fuseMajor, fuseMinor)))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make %s: %w", fuseDevice, err)
	}
	return nil
}

// AskedByKernel reads the arguments that the kernel gives to its modprobe (request_module, kernel/kmod.c):
// "modprobe -q -- NAME". NAME is a module or an alias, such as "fs-ext4" or "net-pf-17".
func AskedByKernel(args []string) (name string, ok bool) {
	if len(args) != 4 || args[1] != "-q" || args[2] != "--" {
		return "", false
	}
	return args[3], true
}

// Modprobe loads a module of the running kernel, or the modules behind an alias, with what they need. A name that
// nothing in the image answers to is no error: the kernel asks for many that it can do without.
func Modprobe(name string) error {
	l, err := runningLoader()
	if err != nil {
		return err
	}
	return l.Load(name)
}
