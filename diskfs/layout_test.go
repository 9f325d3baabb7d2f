package diskfs

import (
	"fmt"
	"strings"
	"testing"
)

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
)

func efiVolumes() []Volume {
	return []Volume{
		{Name: "ESP", Type: EFI, Size: "256MiB", FileSystem: FAT32, QuickFormat: true},
		{Name: "OSDisk", Type: Primary, Size: "100%", FileSystem: Ext4, QuickFormat: true},
	}
}

func biosVolumes() []Volume {
	return []Volume{
		{Name: "OSDisk", Type: Primary, Size: "100%", FileSystem: Ext4, QuickFormat: true},
		{Name: "swap", Type: Primary, Size: "64MiB", FileSystem: Swap, QuickFormat: true},
	}
}

// row is a partition in short: start and length in MiB, type, active.
func row(p Partition) string {
	return fmt.Sprintf("%d+%d %s%.2x %v", p.Start/mib, p.Length/mib, strings.Split(p.TypeGUID, "-")[0], p.MBRType, p.Bootable)
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name    string
		style   Style
		g       Geometry
		volumes []Volume
		want    []string
	}{
		{"uefi", GPT, Geometry{8 * gib, 512}, efiVolumes(), []string{"1+256 C12A732800 false", "257+7934 0FC63DAF00 false"}},
		{"uefi with sectors of 4 KiB", GPT, Geometry{8 * gib, 4096}, []Volume{
			{Type: EFI, Size: "300MiB", FileSystem: FAT32}, {Type: Primary, Size: "100%", FileSystem: Ext4}},
			[]string{"1+300 C12A732800 false", "301+7890 0FC63DAF00 false"}},
		{"bios, fixed after the rest", MBR, Geometry{4 * gib, 512}, biosVolumes(), []string{"1+4031 83 true", "4032+64 82 false"}},
		{"explicit active", MBR, Geometry{4 * gib, 512}, []Volume{
			{Type: Primary, Size: "1GiB", FileSystem: NTFS}, {Type: Primary, Size: "100%", FileSystem: FAT32, Bootable: true}},
			[]string{"1+1024 07 false", "1025+3071 0c true"}},
		{"percentages of what remains", GPT, Geometry{10*gib + 2*mib, 512}, []Volume{
			{Type: MSR, Size: "16MiB"}, {Type: Primary, Size: "50%", FileSystem: NTFS}, {Type: Primary, Size: "50%"}, {Type: Recovery, Size: "1GiB", FileSystem: NTFS}},
			[]string{"1+16 E3C9E31600 false", "17+4600 EBD0A0A200 false", "4617+2300 0FC63DAF00 false", "6917+1024 DE94BBA400 false"}},
		{"gpt for bios", GPT, Geometry{1 * gib, 512}, []Volume{{Type: BIOSBoot, Size: "1MiB"}, {Type: Primary, Size: "100%", FileSystem: Ext4, Bootable: true}},
			[]string{"1+1 2168614800 false", "2+1021 0FC63DAF00 true"}},
		{"extended", MBR, Geometry{4 * gib, 512}, []Volume{
			{Type: Primary, Size: "2GiB", FileSystem: XFS}, {Type: Extended, Size: "100%"}, {Type: Logical, Size: "512MiB", FileSystem: Swap},
			{Type: Logical, Size: "100%", FileSystem: NTFS}, {Type: Primary, Size: "256MiB", FileSystem: FAT32}},
			[]string{"1+2048 83 true", "2049+1791 0f false", "2050+512 82 false", "2563+1277 07 false", "3840+256 0c false"}},
		{"mbr ends at 2 TiB", MBR, Geometry{3 << 40, 512}, []Volume{{Type: Primary, Size: "100%", FileSystem: Ext4}}, []string{"1+2097151 83 true"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Plan(tt.style, tt.g, tt.volumes)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range l.Partitions {
				got = append(got, strings.Replace(row(p), " 00", " ", 1))
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	g := Geometry{1 * gib, 512}
	one := func(v Volume) []Volume { return []Volume{v} }
	for _, tt := range []struct {
		name    string
		style   Style
		g       Geometry
		volumes []Volume
		want    []string // all in the message
	}{
		{"too small", GPT, Geometry{200 * mib, 512}, efiVolumes(), []string{"need at least 264 MiB", "disk of 200 MiB", "room for 198 MiB"}},
		{"nothing left", GPT, g, []Volume{{Type: Primary, Size: "100%"}, {Name: "x", Type: Primary, Size: "100%"}}, []string{`volume 2 "x"`, "would get 0 B"}},
		{"five on mbr", MBR, g, make([]Volume, 5), []string{"holds 4 at most"}},
		{"logical on gpt", GPT, g, one(Volume{Type: Logical, Size: "16MiB"}), []string{"MBR disks only"}},
		{"logical without", MBR, g, one(Volume{Type: Logical, Size: "16MiB"}), []string{"no extended partition stands before"}},
		{"extended without", MBR, g, one(Volume{Type: Extended, Size: "16MiB"}), []string{"holds no logical volume"}},
		{"two extended", MBR, g, []Volume{{Type: Extended, Size: "16MiB"}, {Type: Extended, Size: "16MiB"}, {Type: Logical, Size: "1MiB"}}, []string{"one extended partition"}},
		{"logical active", MBR, g, []Volume{{Type: Extended, Size: "16MiB"}, {Type: Logical, Size: "1MiB", Bootable: true}}, []string{"primary volumes only"}},
		{"extended too small", MBR, g, []Volume{{Type: Extended, Size: "16MiB"}, {Type: Logical, Size: "10MiB"}, {Type: Logical, Size: "5MiB"}}, []string{"would get 16 MiB", "what the logical volumes hold needs at least 17 MiB"}},
		{"disk too small for it", MBR, g, []Volume{{Type: Primary, Size: "800MiB"}, {Type: Extended, Size: "100%"}, {Type: Logical, Size: "100%", FileSystem: XFS}}, []string{"need at least 1.1 GiB", "disk of 1 GiB"}},
		{"msr on mbr", MBR, g, one(Volume{Type: MSR, Size: "16MiB"}), []string{"GPT disks only"}},
		{"two active", MBR, g, []Volume{{Type: Primary, Size: "10%", Bootable: true}, {Type: Primary, Size: "10%", Bootable: true}}, []string{"one active partition"}},
		{"esp with ext4", GPT, g, one(Volume{Type: EFI, Size: "100%", FileSystem: Ext4}), []string{"only fat32"}},
		{"file system", GPT, g, one(Volume{Type: Primary, Size: "100%", FileSystem: "zfs"}), []string{`"zfs"`, "ext4"}},
		{"type", GPT, g, one(Volume{Type: "boot", Size: "100%"}), []string{`"boot"`, "primary"}},
		{"style", "apm", g, one(Volume{Type: Primary, Size: "100%"}), []string{`"apm"`}},
		{"size", GPT, g, one(Volume{Type: Primary, Size: "12"}), []string{`"12"`, "unit"}},
		{"label", GPT, g, one(Volume{Name: "a long label of FAT", Type: EFI, Size: "100%", FileSystem: FAT32}), []string{"holds 11"}},
		{"every mistake", GPT, g, []Volume{{Type: "a", Size: "1%"}, {Type: "b", Size: "1%"}}, []string{`"a"`, `"b"`}},
		{"none", GPT, g, nil, []string{"no volumes"}},
		{"sector size", GPT, Geometry{gib, 520}, efiVolumes(), []string{"520"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Plan(tt.style, tt.g, tt.volumes)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("got %v, want it to say %q", err, want)
				}
			}
		})
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]Size{
		"256MiB": {Bytes: 256 * mib}, "1.5 GiB": {Bytes: gib * 3 / 2}, "500MB": {Bytes: 500e6}, "100%": {Percent: 100}, " 7 %": {Percent: 7}, "512B": {Bytes: 512},
	} {
		if got, err := ParseSize(in); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "12", "0%", "101%", "-1MiB", "MiB", "1e400GiB", "9999999TiB%", "NaNGiB", "0.1B", "50.5%"} {
		if got, err := ParseSize(in); err == nil {
			t.Errorf("ParseSize(%q) = %v, want an error", in, got)
		}
	}
}

// FuzzPlan holds every layout that is planned: aligned, in order, inside the disk.
func FuzzPlan(f *testing.F) {
	f.Add(int64(8*gib), "256MiB", "100%", true)
	f.Add(int64(3)<<40, "1TiB", "33%", false)
	f.Fuzz(func(t *testing.T, disk int64, a, b string, gpt bool) {
		style := MBR
		if gpt {
			style = GPT
		}
		l, err := Plan(style, Geometry{disk, 512}, []Volume{{Type: Primary, Size: a, FileSystem: Ext4}, {Type: Primary, Size: b}})
		if err != nil {
			return
		}
		_, end := usable(style, l.Geometry)
		at := int64(Alignment)
		for _, p := range l.Partitions {
			if p.Start != at || p.Length <= 0 || p.Length%Alignment != 0 || p.Start+p.Length > end {
				t.Fatalf("partition %d of a disk of %d: start %d, length %d", p.Number, disk, p.Start, p.Length)
			}
			at += p.Length
		}
	})
}

func TestPartitionNode(t *testing.T) {
	for in, want := range map[string]string{"/dev/sda": "/dev/sda2", "/dev/nvme0n1": "/dev/nvme0n1p2", "/dev/mmcblk0": "/dev/mmcblk0p2"} {
		if got := PartitionNode(in, 2); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
