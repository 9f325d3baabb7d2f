package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
)

// fake builds a sysfs: name → path of the device below devices/, then files.
type fake fstest.MapFS

func (f fake) add(name, at string, files map[string]string) {
	f["block/"+name] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../devices/" + at + "/block/" + name)}
	for file, text := range files {
		f["devices/"+at+"/block/"+name+"/"+file] = &fstest.MapFile{Data: []byte(text)}
	}
}

func size(gib int) string { return fmt.Sprintf("%d\n", gib<<21) }

// ward is a machine with a bit of everything.
func ward() fake {
	f := fake{}
	f.add("sda", "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0", map[string]string{
		"size": size(16), "removable": "0", "ro": "0", "dev": "8:0", "device/model": "Ultra Fit", "sda1/dev": "8:1"})
	f.add("sdb", "pci0000:00/0000:00:17.0/ata10/host9/target9:0:0/9:0:0:0", map[string]string{
		"size": size(1000), "removable": "0", "ro": "0", "device/model": "WDC WD10", "device/vendor": "ATA", "device/vpd_pg80": "\x00\x80\x00\x04WX41", "queue/logical_block_size": "4096"})
	f.add("sdc", "pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0", map[string]string{
		"size": size(500), "removable": "0", "ro": "0", "device/model": "Samsung SSD", "dev": "8:32", "sdc1/dev": "8:33"})
	f.add("sr0", "pci0000:00/0000:00:17.0/ata3/host2/target2:0:0/2:0:0:0", map[string]string{"size": size(1), "removable": "1"})
	f.add("mmcblk0", "pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:0001", map[string]string{"size": size(64), "device/type": "MMC", "device/name": "DF4064"})
	f.add("mmcblk0boot0", "pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:0001", map[string]string{"size": "8192"})
	f.add("mmcblk1", "pci0000:00/0000:00:1b.0/mmc_host/mmc1/mmc1:aaaa", map[string]string{"size": size(32), "device/type": "SD"})
	f.add("vda", "pci0000:00/0000:00:04.0/virtio1", map[string]string{"size": size(8), "serial": "target-1"})
	f.add("sdd", "platform/host11/session1/target11:0:0/11:0:0:0", map[string]string{"size": size(9)})
	f.add("sde", "pci0000:00/0000:00:05.0/host3/target3:0:0/3:0:0:0", map[string]string{"size": "0", "removable": "0"})
	f.add("sdf", "pci0000:00/0000:00:05.0/host3/target3:0:1/3:0:1:0", map[string]string{"size": size(5), "ro": "1"})
	f["block/loop0"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../devices/virtual/block/loop0")}
	// An NVMe disk in a subsystem, and one behind a Thunderbolt port.
	f["block/nvme0n1"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1")}
	f["devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/size"] = &fstest.MapFile{Data: []byte(size(256))}
	f["devices/virtual/nvme-subsystem/nvme-subsys0/nvme0"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../../pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0")}
	f.add("nvme1n1", "pci0000:00/0000:00:07.0/0000:2a:00.0/nvme/nvme1", map[string]string{"size": size(128)})
	f["devices/pci0000:00/0000:00:07.0/0000:2a:00.0/removable"] = &fstest.MapFile{Data: []byte("removable\n")}
	return f
}

func scan(t *testing.T, f fake, medium ...string) []Disk {
	t.Helper()
	disks, err := Scan(fstest.MapFS(f), medium)
	if err != nil {
		t.Fatal(err)
	}
	return disks
}

func TestScan(t *testing.T) {
	var got []string
	for _, d := range scan(t, ward()) {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s %s %s", d.Number, d.Name, d.Bus, d.Excluded())))
	}
	want := []string{
		"0 nvme0n1 nvme", "1 vda virtio", "2 sdc ata", "3 sdb ata", "4 mmcblk0 mmc",
		"-1 sde scsi no medium", "-1 sdf scsi read-only", "-1 nvme1n1 nvme removable",
		"-1 sda usb attached by USB", "-1 mmcblk1 mmc removable", "-1 sdd network attached over a network",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
	sdb := scan(t, ward())[3]
	if sdb.Serial != "WX41" || sdb.SectorSize != 4096 || sdb.Size != 1000<<30 || sdb.Device() != "/dev/sdb" {
		t.Errorf("%+v", sdb)
	}
}

func TestBootMediumIsNoCandidate(t *testing.T) {
	for _, medium := range []string{"sdc", "sdc1", "8:32", "8:33"} {
		disks := scan(t, ward(), medium)
		for _, d := range disks {
			if d.Name == "sdc" && (!d.BootMedium || d.Number != -1) {
				t.Errorf("medium %s: %s is still a candidate", medium, d)
			}
			if d.Name == "sdb" && d.Number != 2 {
				t.Errorf("medium %s: numbers are not without gaps: %s", medium, d)
			}
		}
	}
}

func TestMounted(t *testing.T) {
	const info = `22 1 0:21 / / rw - rootfs rootfs rw
30 22 8:17 / /run/medium ro,noatime - vfat /dev/sdb1 ro
31 22 254:1 / /target rw - ext4 /dev/vda1 rw
32 31 254:2 / /target/boot/efi rw - vfat /dev/vda2 rw
`
	got, err := Mounted(strings.NewReader(info), "/target")
	if err != nil || !slices.Equal(got, []string{"8:17"}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := Mounted(strings.NewReader("nonsense")); err == nil {
		t.Error("nonsense was accepted")
	}
}

func number(n int) *int { return &n }

func TestSelect(t *testing.T) {
	disks := scan(t, ward())
	for _, tt := range []struct {
		name string
		w    Wanted
		want string // name, or part of the error
	}{
		{"by number", Wanted{Number: number(1)}, "vda"},
		{"by model", Wanted{Model: "samsung"}, "sdc"},
		{"by serial", Wanted{Serial: "wx41"}, "sdb"},
		{"by size", Wanted{MinSize: 200 << 30, MaxSize: 300 << 30}, "nvme0n1"},
		{"by bus", Wanted{Bus: MMC}, "mmcblk0"},
		{"number and model", Wanted{Number: number(1), Model: "samsung"}, "no internal fixed disk with number 1, model like"},
		{"ambiguous", Wanted{Bus: ATA}, "2 disks fit"},
		{"anything", Wanted{}, "5 disks fit"},
		{"absent", Wanted{Number: number(9)}, "disk 2: sdc, 500 GiB, ata, Samsung SSD"},
		{"usb never", Wanted{Model: "ultra fit"}, "attached by USB"},
		{"usb not by bus either", Wanted{Bus: USB}, "no internal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Select(disks, tt.w)
			if d.Name != tt.want && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %q, %v", d.Name, err)
			}
		})
	}
	if _, err := Select(nil, Wanted{}); err == nil || !strings.Contains(err.Error(), "no disks") {
		t.Errorf("got %v", err)
	}
	if d, err := Select(disks[:1], Wanted{}); err != nil || d.Name != "nvme0n1" {
		t.Errorf("the only disk: %v, %v", d, err)
	}
}

type permit func(Disk) error

func (p permit) Allow(d Disk) error { return p(d) }

// loopDisk is a loop device over a file full of content, and the Disk that a
// scan would have made of it, were it a real one.
func loopDisk(t *testing.T) (path, content string, d Disk) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "disk.img")
	content = strings.Repeat("precious", 4<<20)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--partscan", "--show", path).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v %s", err, out)
	}
	loop := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", loop).CombinedOutput(); err != nil {
			t.Errorf("losetup: %v %s", err, out)
		}
	})
	return path, content, Disk{Name: filepath.Base(loop), Size: 32 << 20, SectorSize: 512, Bus: VirtIO}
}

func eraser(found ...Disk) Eraser {
	return Eraser{Rescan: func() ([]Disk, error) { return found, nil }, Tools: diskfs.Tools{Runner: tool.Exec{}}}
}

var (
	yes     = permit(func(Disk) error { return nil })
	volumes = []diskfs.Volume{{Name: "OSDisk", Type: diskfs.Primary, Size: "100%", FileSystem: diskfs.Ext4, QuickFormat: true}}
)

// TestNothingWithoutPermit holds a real block device against every refusal.
func TestNothingWithoutPermit(t *testing.T) {
	path, content, d := loopDisk(t)
	medium, stick, other := d, d, d
	medium.BootMedium, stick.Bus, other.Serial = true, USB, "another"
	no := permit(func(Disk) error { return errors.New("the grant is over") })
	tooLarge := []diskfs.Volume{{Type: diskfs.Primary, Size: "1GiB"}}
	for _, tt := range []struct {
		name    string
		permit  Permit
		d       Disk
		now     []Disk
		volumes []diskfs.Volume
		want    string
	}{
		{"no permit", nil, d, []Disk{d}, volumes, "no permit"},
		{"refused", no, d, []Disk{d}, volumes, "the grant is over"},
		{"boot medium", yes, medium, []Disk{medium}, volumes, "booted from it"},
		{"became the boot medium", yes, d, []Disk{medium}, volumes, "changed since"},
		{"usb", yes, stick, []Disk{stick}, volumes, "USB"},
		{"another disk by now", yes, d, []Disk{other}, volumes, "changed since"},
		{"gone", yes, d, nil, volumes, "gone"},
		{"does not fit", yes, d, []Disk{d}, tooLarge, "need at least 1 GiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := eraser(tt.now...).Prepare(t.Context(), tt.permit, tt.d, diskfs.MBR, tt.volumes, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if raw, err := os.ReadFile(path); err != nil || string(raw) != content {
				t.Fatalf("the disk was written (%v)", err)
			}
		})
	}
}

func TestPrepare(t *testing.T) {
	_, _, d := loopDisk(t)
	var steps []string
	asked := 0
	counting := permit(func(got Disk) error { asked++; return nil })
	out, err := eraser(d).Prepare(t.Context(), counting, d, diskfs.MBR, volumes, func(s string) { steps = append(steps, s) })
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 1 || out[0].Device() != d.Device()+"p1" || out[0].Signature.UUID == "" || asked != 2 {
		t.Errorf("%+v, asked %d times", out, asked)
	}
	if len(steps) != 2 || !strings.Contains(steps[1], "ext4, 31 MiB") {
		t.Errorf("steps %q", steps)
	}
}

// FuzzComparePaths: an order that contradicts itself would give disks other
// numbers at the next start.
func FuzzComparePaths(f *testing.F) {
	f.Add("devices/pci0000:00/0000:00:04.0/virtio1/block/vda", "devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda",
		"devices/pci0000:00/10000:e1:00.0/nvme/nvme0/nvme0n1")
	f.Add("0000:00:04.0", "000", "01")
	f.Add("2", "10", "19999999999999999999999")
	f.Add("2", "10", "1500:00:00.0")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, bc, ac := comparePaths(a, b), comparePaths(b, c), comparePaths(a, c)
		if ab != -comparePaths(b, a) || comparePaths(a, a) != 0 || (ab == 0) != (a == b) {
			t.Errorf("%q and %q: %d", a, b, ab)
		}
		if ab <= 0 && bc <= 0 && ac > 0 {
			t.Errorf("%q <= %q <= %q, but not %q <= %q", a, b, c, a, c)
		}
	})
}
