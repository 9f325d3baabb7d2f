// Package firmware writes the disk that a box boots from: one GPT image that starts by BIOS (GRUB, its core image in
// a BIOS boot partition) and by UEFI (systemd-boot and a unified kernel image, with boot counting names), with one
// FAT32 EFI system partition that also carries what the box needs for its first boot.
//
// Layout: partition 1 "bootward-bios", partition 2 "bootward-esp". On the ESP: EFI/BOOT/BOOTX64.EFI,
// EFI/Linux/bootward-SLOT+3.efi, loader/loader.conf, boot/grub/grub.cfg and grubenv, slots/SLOT/{vmlinuz,initrd,
// slot.cfg}, bootward/{firmware.json,box.yaml,enrol.token}. The data partition is not here: the box makes it on a
// blank disk of its own.
//
// The image is a sparse file. The same kit, board and options give the same bytes. The package writes only the file
// that it is told to make, never a device.
package firmware

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/diskfs/go-diskfs"
	"github.com/diskfs/go-diskfs/partition/gpt"

	"github.com/bootward/bootward/board"
	"github.com/bootward/bootward/bootimg"
	"github.com/bootward/bootward/rootfs"
)

// Options of Build.
type Options struct {
	Version    string // of the firmware; empty: the kit's
	Slot       string // "a" or "b"; empty: "a"
	BoxConfig  []byte // seed: becomes /boot/bootward/box.yaml; may be empty
	EnrolToken []byte // seed: becomes /boot/bootward/enrol.token, removed by the box once used; may be empty
	Parameters string // further kernel parameters, separated by spaces
}

// Result says what was made.
type Result struct {
	Artifacts bootimg.Artifacts
	Size      int64 // of the image in bytes; the file on disk is sparse
}

// Names of the partitions, which PID 1 looks for.
const (
	biosPartition = "bootward-bios"
	espPartition  = "bootward-esp"
)

// Layout in sectors. Partitions start on MiB boundaries; the last MiB is left to the backup table.
const (
	sectorSize   = 512
	mib          = 1 << 20
	biosStart    = mib
	tailReserved = mib
)

var versionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.~_-]{0,63}$`)

// Build writes the firmware disk of a board to the file out, replacing it in one step when all is written and synced.
func Build(ctx context.Context, k *rootfs.Kit, b board.Board, o Options, out string) (Result, error) {
	if o.Slot == "" {
		o.Slot = "a"
	}
	if o.Version == "" {
		o.Version = k.Version
	}
	if (o.Slot != "a" && o.Slot != "b") || !versionForm.MatchString(o.Version) {
		return Result{}, fmt.Errorf("firmware: slot %q must be a or b, version %q must be letters, digits and . ~ _ -", o.Slot, o.Version)
	}
	if b.Architecture != board.X86 {
		return Result{}, fmt.Errorf("firmware: board %s is %s: boxes are x86_64, choose another board", b.Name, b.Architecture)
	}
	a, err := bootimg.Assemble(ctx, k, b, rootfs.Box(), bootimg.Slot{ID: "bootward-box", Title: "Bootward"}, o.Parameters, nil)
	if err != nil {
		return Result{}, fmt.Errorf("firmware: %w", err)
	}
	files, err := espFiles(k, a, o)
	if err != nil {
		return Result{}, fmt.Errorf("firmware: %w", err)
	}
	size := int64(biosStart) + int64(b.Disk.BIOSBoot) + int64(b.Disk.ESP) + tailReserved
	if need := total(files); need > int64(b.Disk.ESP)*9/10 {
		return Result{}, fmt.Errorf("firmware: board %s: disk.esp is %v, the files need %d MiB: make it larger", b.Name, b.Disk.ESP, need>>20)
	}
	part := out + ".part"
	if err := errors.Join(os.MkdirAll(filepath.Dir(out), 0o755), os.RemoveAll(part)); err != nil {
		return Result{}, fmt.Errorf("firmware: %w", err)
	}
	defer os.Remove(part)
	if err := writeDisk(ctx, k, b, o, files, part, size); err != nil {
		return Result{}, fmt.Errorf("firmware %s: %w", out, err)
	}
	if err := os.Rename(part, out); err != nil {
		return Result{}, fmt.Errorf("firmware: %w", err)
	}
	return Result{Artifacts: a, Size: size}, nil
}

func writeDisk(ctx context.Context, k *rootfs.Kit, b board.Board, o Options, files []file, name string, size int64) (err error) {
	d, err := diskfs.Create(name, size, diskfs.SectorSizeDefault)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	espStart := int64(biosStart) + int64(b.Disk.BIOSBoot)
	if err := d.Partition(table(b, o, espStart)); err != nil {
		return fmt.Errorf("partition table: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := writeESP(d, files); err != nil {
		return fmt.Errorf("efi system partition: %w", err)
	}
	w, err := d.Backend.Writable()
	if err != nil {
		return err
	}
	if err := fixFAT(w, espStart); err != nil {
		return fmt.Errorf("efi system partition: %w", err)
	}
	if b.Boots("bios") {
		if err := embedGRUB(k, d, int64(b.Disk.BIOSBoot)); err != nil {
			return fmt.Errorf("grub: %w", err)
		}
	}
	f, err := d.Backend.Sys()
	if err != nil {
		return err
	}
	return f.Sync()
}

// table is the partition table. Its ids come from the version, not from chance: the same inputs give the same bytes.
func table(b board.Board, o Options, espStart int64) *gpt.Table {
	id := func(what string) string {
		return stableID(b.Name + "\x00" + o.Version + "\x00" + o.Slot + "\x00" + what)
	}
	part := func(index int, start, size int64, t gpt.Type, name string) *gpt.Partition {
		return &gpt.Partition{Index: index, Start: uint64(start / sectorSize), End: uint64((start+size)/sectorSize - 1),
			Size: uint64(size), Type: t, Name: name, GUID: id(name)}
	}
	return &gpt.Table{LogicalSectorSize: sectorSize, PhysicalSectorSize: sectorSize, ProtectiveMBR: true, GUID: id("disk"),
		Partitions: []*gpt.Partition{
			part(1, biosStart, int64(b.Disk.BIOSBoot), gpt.BIOSBoot, biosPartition),
			part(2, espStart, int64(b.Disk.ESP), gpt.EFISystemPartition, espPartition),
		}}
}

// stableID makes a UUID (version 8, RFC 9562) of a text.
func stableID(text string) string {
	h := sha256.Sum256([]byte("bootward firmware\x00" + text))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
