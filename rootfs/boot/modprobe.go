package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// node is a device of a module that programs open to have it loaded.
type node struct {
	module, path string
	minor        uint32 // of major number 10, Documentation/admin-guide/devices.txt
}

const miscMajor = 10

// nodes are made beforehand: the kernel makes them only when the module is there, and loads the module only when the
// node is opened.
func nodes() []node {
	return []node{{"fuse", "/dev/fuse", 229}, {"dm-mod", "/dev/mapper/control", 236}}
}

// serveKernel makes this program the kernel's modprobe: whoever mounts a file system, opens a kind of socket or uses
// an algorithm has its module loaded then, and who does not, does not wait for it.
func serveKernel(l *loader) error {
	if err := os.WriteFile("/proc/sys/kernel/modprobe", []byte("/init\n"), 0); err != nil {
		return fmt.Errorf("kernel modules: %w", err)
	}
	for _, n := range nodes() {
		if len(l.table.resolve(n.module)) == 0 {
			continue
		}
		err := os.MkdirAll(filepath.Dir(n.path), 0o755)
		if err == nil {
			err = unix.Mknod(n.path, unix.S_IFCHR|0o600, int(unix.Mkdev(miscMajor, n.minor)))
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make %s: %w", n.path, err)
		}
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
