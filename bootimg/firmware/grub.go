package firmware

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/diskfs/go-diskfs/disk"

	"github.com/bootward/bootward/rootfs"
)

// Offsets of GRUB's images (grub-core/boot/i386/pc/boot.S and diskboot.S; include/grub/offsets.h).
const (
	bootCodeSize     = 440   // of boot.img that goes into the MBR; behind it are disk id and partition table
	bootKernelSector = 0x5c  // u64: where the core image starts
	bootDriveCheck   = 0x66  // two bytes of code that trust the BIOS's drive number only if replaced by NOPs
	coreBlocklist    = 0x1f4 // u64 in the core's first sector: where its second sector is
	environmentSize  = 1024
)

// embedGRUB puts GRUB's core image into the BIOS boot partition and its boot sector into the MBR.
func embedGRUB(k *rootfs.Kit, d *disk.Disk, room int64) error {
	boot, err := k.Read("grub/i386-pc/boot.img")
	if err != nil {
		return err
	}
	core, err := k.Read("grub/core.img")
	if err != nil {
		return err
	}
	if len(boot) != sectorSize || len(core) < 2*sectorSize || int64(len(core)) > room {
		return fmt.Errorf("boot.img has %d bytes (%d expected), core.img %d (at most %d)", len(boot), sectorSize, len(core), room)
	}
	const lba = biosStart / sectorSize
	binary.LittleEndian.PutUint64(boot[bootKernelSector:], lba)
	boot[bootDriveCheck], boot[bootDriveCheck+1] = 0x90, 0x90
	binary.LittleEndian.PutUint64(core[coreBlocklist:], lba+1)
	w, err := d.Backend.Writable()
	if err != nil {
		return err
	}
	_, err1 := w.WriteAt(boot[:bootCodeSize], 0)
	_, err2 := w.WriteAt(core, biosStart)
	return errors.Join(err1, err2)
}

// grubEnvironment is a grubenv file: a header line, k=v lines, padded with # to exactly 1024 bytes, so that GRUB can
// overwrite it in place.
func grubEnvironment(values map[string]string) []byte {
	var b bytes.Buffer
	b.WriteString("# GRUB Environment Block\n")
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "%s=%s\n", key, values[key])
	}
	return append(b.Bytes(), bytes.Repeat([]byte{'#'}, environmentSize-b.Len())...)
}

// grubConfig boots the slot $good. If $next names a new slot it is tried while $tries lasts; GRUB has no arithmetic,
// so the count is a chain. A slot that used up its tries is kept in $failed.
const grubConfig = `if serial --unit=0 --speed=115200; then
  terminal_input console serial
  terminal_output console serial
fi
load_env
set slot="$good"
if [ -n "$next" ]; then
  if [ "$tries" = 3 ]; then
    set tries=2
    set slot="$next"
  elif [ "$tries" = 2 ]; then
    set tries=1
    set slot="$next"
  elif [ "$tries" = 1 ]; then
    set tries=0
    set slot="$next"
  else
    set failed="$next"
    set next=
  fi
  save_env tries failed next
fi
source /slots/$slot/slot.cfg
echo "Bootward: starting slot $slot"
linux /slots/$slot/vmlinuz $cmdline bootward.slot=$slot
initrd /slots/$slot/initrd
boot
`
