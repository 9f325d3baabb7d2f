//go:build system

package systemtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/bootward/bootward/bootimg"
	"github.com/bootward/bootward/lab/machine"
)

// nextWord is what the disk of a machine says that was sent on.
const nextWord = "the next device is started"

// What firmware says when it is done with a network device (iPXE, EDK2), and when it
// turns to the disk (SeaBIOS, EDK2).
var (
	leavesNetwork = regexp.MustCompile(`No more network devices|BdsDxe: failed to load Boot`)
	turnsToDisk   = regexp.MustCompile(`Booting from Hard Disk|BdsDxe: loading Boot`)
)

// sentOn waits until the machine's disk is started. It says how long each network device
// took at most, from the box's last answer or, if that came later, from when an address
// was taken, until the firmware left it; and how long the firmware then took to the disk.
func (b *bootBoxRig) sentOn(ctx context.Context, m *machine.Machine) (string, error) {
	word, err := m.WaitSerial(ctx, 0, regexp.MustCompile(nextWord))
	if err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n, longest, left, disk := 0, time.Duration(0), time.Duration(0), word.At
	for _, l := range m.Serial()[:word.N] {
		switch {
		case leavesNetwork.MatchString(l.Text):
			last := time.Duration(0)
			for _, at := range b.marks {
				if since := at.Sub(m.PowerOn()); since <= l.At {
					last = max(last, since)
				}
			}
			n, left, longest = n+1, l.At, max(longest, l.At-last)
		case turnsToDisk.MatchString(l.Text):
			disk = l.At
		}
	}
	if n == 0 {
		return "", fmt.Errorf("%s: its firmware did not say that it left the network", m.Name())
	}
	return fmt.Sprintf("sent on: %d network options left after %.2f s at most, disk %.1f s later", n, longest.Seconds(), (disk - left).Seconds()), nil
}

// nextDisk is a disk that says its word and stops: a boot sector, or for UEFI the signed
// loaders of Debian with a configuration, so that Secure Boot takes them.
func (b *bootBoxRig) nextDisk(t *testing.T, r bootRow) string {
	t.Helper()
	dir := filepath.Join(b.dir, "next")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if r.firmware == machine.BIOS {
		disk := filepath.Join(dir, "mbr.img")
		assemble(t, "mbr.S", disk, "0")
		if err := os.Truncate(disk, 1<<20); err != nil {
			t.Fatal(err)
		}
		return disk
	}
	disk := filepath.Join(dir, "esp.img")
	files := map[string][]byte{"bootx64.efi": b.images[r.arch()][bootimg.ShimName], "grubx64.efi": b.images[r.arch()][bootimg.GRUBName],
		"grub.cfg": []byte("echo '" + nextWord + "'\nsleep 600\n")}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"mformat", "-C", "-i", disk, "-T", "65536", "::"}, {"mmd", "-i", disk, "::/EFI", "::/EFI/BOOT", "::/grub"},
		{"mcopy", "-o", "-i", disk, filepath.Join(dir, "bootx64.efi"), filepath.Join(dir, "grubx64.efi"), "::/EFI/BOOT/"},
		{"mcopy", "-o", "-i", disk, filepath.Join(dir, "grub.cfg"), "::/grub/"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	return disk
}

// assemble makes a flat file, which runs at an address, of an assembler source of testdata.
func assemble(t *testing.T, source, to, address string) {
	t.Helper()
	object := to + ".o"
	for _, args := range [][]string{
		{"as", "--64", "-o", object, filepath.Join("testdata", source)},
		{"ld", "-Ttext=" + address, "--oformat", "binary", "-o", to, object},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
}
