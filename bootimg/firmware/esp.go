package firmware

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/diskfs/go-diskfs/disk"
	"github.com/diskfs/go-diskfs/filesystem"

	"github.com/bootward/bootward/bootimg"
	"github.com/bootward/bootward/rootfs"
)

// file is one file of the ESP.
type file struct {
	path string // absolute, slashes
	data []byte
}

// epoch is the date of every file on the ESP: the first that FAT can hold.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// tries is how often a new slot may fail to boot before the loader falls back to the other.
const tries = 3

// espFiles lists what goes on the ESP, sorted by path.
func espFiles(k *rootfs.Kit, a bootimg.Artifacts, o Options) ([]file, error) {
	loader, err := k.Read("efi/systemd-bootx64.efi")
	if err != nil {
		return nil, err
	}
	bom, err := a.BOM()
	if err != nil {
		return nil, err
	}
	about, err := json.MarshalIndent(map[string]any{"format": 1, "version": o.Version, "slot": o.Slot, "image": json.RawMessage(bom)}, "", " ")
	if err != nil {
		return nil, err
	}
	slot := "/slots/" + o.Slot
	files := map[string][]byte{
		"/EFI/BOOT/BOOTX64.EFI": loader,
		fmt.Sprintf("/EFI/Linux/bootward-%s+%d.efi", o.Slot, tries): a.UKI,
		"/loader/loader.conf":     []byte("timeout 0\neditor no\nconsole-mode keep\n"),
		"/boot/grub/grub.cfg":     []byte(grubConfig),
		"/boot/grub/grubenv":      grubEnvironment(map[string]string{"good": o.Slot}),
		slot + "/vmlinuz":         a.Kernel,
		slot + "/initrd":          a.Initrd,
		slot + "/slot.cfg":        []byte("set cmdline='" + a.CommandLine + "'\n"),
		"/bootward/firmware.json": append(about, '\n'),
	}
	if len(o.BoxConfig) > 0 {
		files["/bootward/box.yaml"] = o.BoxConfig
	}
	if len(o.EnrolToken) > 0 {
		files["/bootward/enrol.token"] = o.EnrolToken
	}
	if strings.ContainsAny(a.CommandLine, "'\n") {
		return nil, errors.New("kernel command line: ' and line breaks cannot be written into GRUB's configuration")
	}
	var out []file
	for _, p := range slices.Sorted(maps.Keys(files)) {
		out = append(out, file{p, files[p]})
	}
	return out, nil
}

func total(files []file) (n int64) {
	for _, f := range files {
		n += int64(len(f.data))
	}
	return n
}

// writeESP makes the file system on partition 2 and fills it.
func writeESP(d *disk.Disk, files []file) error {
	fs, err := d.CreateFilesystem(disk.FilesystemSpec{Partition: 2, FSType: filesystem.TypeFat32, VolumeLabel: "BOOTWARD", Reproducible: true})
	if err != nil {
		return err
	}
	folders := map[string]bool{}
	for _, f := range files {
		for dir := path.Dir(f.path); dir != "/"; dir = path.Dir(dir) {
			folders[dir] = true
		}
		if err := fs.Mkdir(path.Dir(f.path)); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		if err := writeFile(fs, f); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	return setDates(fs, files, slices.Sorted(maps.Keys(folders)))
}

func writeFile(fs filesystem.FileSystem, f file) error {
	w, err := fs.OpenFile(f.path, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return err
	}
	n, err := w.Write(f.data)
	if err == nil && n != len(f.data) {
		err = fmt.Errorf("wrote %d of %d bytes", n, len(f.data))
	}
	return errors.Join(err, w.Close())
}

// setDates gives every entry the same date, the folders' own "." and ".." too.
func setDates(fs filesystem.FileSystem, files []file, folders []string) error {
	var names []string
	for _, f := range files {
		names = append(names, f.path)
	}
	for _, d := range folders {
		names = append(names, d, d+"/.", d+"/..")
	}
	for _, n := range names {
		if err := fs.Chtimes(n, epoch, epoch, epoch); err != nil {
			return fmt.Errorf("date of %s: %w", n, err)
		}
	}
	return nil
}
