//go:build system

package systemtest

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/bootward/bootward/appliance/pxe"
)

// standInHas is what a stand-in says of the next file of the Windows way.
var standInHas = regexp.MustCompile(`^stand-in: asks for .*, and has it$`)

// standIns puts into a boot image what is sent first in the Windows way: programs of our
// own that ask for the next file as Windows' loaders are known to, by name and by the way
// that they take the name; and as that next file, nothing of use.
func (b *bootBoxRig) standIns(t *testing.T, files map[string][]byte) {
	t.Helper()
	dir := filepath.Join(b.dir, "windows")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct{ source, file, address string }{
		{"pxeboot.S", "boot/pxeboot.n12", "0x7c00"}, {"bootmgfw.S", "efi/bootmgfw.efi", "0"},
	} {
		to := filepath.Join(dir, filepath.Base(f.file))
		assemble(t, f.source, to, f.address)
		data, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		files[f.file] = data
	}
	for _, name := range []string{"boot/bootmgr.exe", pxe.WindowsUEFIBCD, pxe.WindowsBIOSBCD} {
		files[name] = []byte("a stand-in for " + name)
	}
}
