package step

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/image"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/sequence"
)

// TestFits: what does not fit is refused before anything is done to the machine, with the
// numbers; what a step that does not run would apply does not count.
func TestFits(t *testing.T) {
	const gib = int64(1) << 30
	needs := map[string]image.Need{
		"small": {Bytes: 2 * gib, Inodes: 1000}, "large": {Bytes: 30 * gib, Inodes: 1000}, "files": {Bytes: gib, Inodes: 5_000_000},
		"downloaded": {Bytes: 30 * gib, Inodes: 1000, Download: 12 * gib},
	}
	part := func(size, rest string) string {
		return "  - partitionDisk: {style: gpt, volumes: [{name: ESP, type: efi, size: 256MiB, fileSystem: fat32}, {name: System, type: primary, size: " + size +
			", fileSystem: ext4, variable: OSDisk}, {name: Records, type: primary, size: 100%, fileSystem: xfs, variable: Data}]}\n" + rest
	}
	const system, data = "  - applyOperatingSystem: {image: %s, to: \"%%OSDisk%%\"}\n", "  - applyDataImage: {image: %s, to: \"%%data%%\"}\n"
	for name, tt := range map[string]struct {
		yaml string
		want []string // none: it fits
	}{
		"both fit":               {part("20GiB", fmt.Sprintf(system+data, "small", "small")), nil},
		"system does not":        {part("20GiB", fmt.Sprintf(system, "large")), []string{`image "large", index 1`, `volume 2 "System"`, "20 GiB of disk 0: vda", "needs 30 GiB", "room for 19.5 GiB", "nothing was erased"}},
		"data does not":          {part("20GiB", fmt.Sprintf(system+data, "small", "large")), []string{`volume 3 "Records"`, "19.7 GiB of disk", "needs 30 GiB"}},
		"the file beside it":     {part("20GiB", fmt.Sprintf(system, "downloaded")), []string{"12 GiB of it for the downloaded file"}},
		"too many files":         {part("20GiB", fmt.Sprintf(system, "files")), []string{"5000000 inodes"}},
		"together":               {part("5GiB", fmt.Sprintf(system+system+system, "small", "small", "small")), []string{"needs 6 GiB"}},
		"cannot be had":          {part("20GiB", fmt.Sprintf(system, "elsewhere")), []string{"nothing was erased", `image "elsewhere" is not here`}},
		"volumes do not":         {part("50GiB", ""), []string{"vda: nothing was erased", "the disk of 40 GiB has room for"}},
		"disabled":               {part("20GiB", "  - applyOperatingSystem: {image: large, to: \"%OSDisk%\", disabled: true}\n"), nil},
		"its condition is false": {part("20GiB", "  - applyOperatingSystem: {image: large, to: \"%OSDisk%\", condition: {variable: No, exists: true}}\n"), nil},
		"its group's is":         {part("20GiB", "  - {group: G, condition: {variable: No, exists: true}, steps: [{applyOperatingSystem: {image: large, to: \"%OSDisk%\"}}]}\n"), nil},
		"after the next layout":  {part("20GiB", part("35GiB", fmt.Sprintf(system, "large"))), nil},
		"a secret decides":       {part("20GiB", "  - applyOperatingSystem: {image: large, to: \"%OSDisk%\", condition: {variable: Word, equals: \"%word%\"}}\n"), []string{`image "large"`}},
		"by device":              {part("20GiB", "  - applyOperatingSystem: {image: large, to: /dev/vda2}\n"), []string{`volume 2 "System"`}},
	} {
		t.Run(name, func(t *testing.T) {
			env := sequence.NewEnvironment()
			if err := env.SetSecret("Word", "w"); err != nil {
				t.Fatal(err)
			}
			s, f := steps(t, tt.yaml), &fake{needs: needs, disks: []disk.Disk{{Name: "vda", Size: 40 << 30, SectorSize: 512}}}
			res := executor(t, s, f).Execute(t.Context(), s.Flatten()[0], env)
			if (res.Err == nil) != (tt.want == nil) || res.Err != nil && len(f.calls) > 0 {
				t.Fatalf("%v, calls %q", res.Err, f.calls)
			}
			for _, want := range tt.want {
				if !strings.Contains(res.Err.Error(), want) {
					t.Errorf("got %v, want it to say %q", res.Err, want)
				}
			}
		})
	}
}

const sealed = `
  - partitionDisk:
      style: gpt
      secrets: {DiskPassphrase: ward-disks}
      volumes:
        - {name: ESP, type: efi, size: 256MiB, fileSystem: fat32}
        - {name: Swap, type: primary, size: 1GiB, fileSystem: swap, encryption: {}}
        - {name: Records, type: primary, size: 1GiB, fileSystem: xfs, variable: Records, mountPoint: /srv/records, encryption: {passphrase: "%DiskPassphrase%"}}
        - {name: OSDisk, type: primary, size: 100%, fileSystem: ext4, variable: OSDisk}
  - applyOperatingSystem: {image: debian-12, to: "%OSDisk%"}
  - applyDataImage: {image: records, index: 2, to: "%Records%", folder: 'old\2025'}
  - setupOperatingSystem: {}
`

// TestEncryptedVolumes: the passphrase reaches who formats, and nobody else; the installed
// system gets what names the volumes.
func TestEncryptedVolumes(t *testing.T) {
	const secret = "100%Pass%word"
	s, f := steps(t, sealed), &fake{}
	x := executor(t, s, f)
	env := sequence.NewEnvironment()
	for _, line := range s.Flatten() {
		values := map[string]string{}
		if line.Number == 1 {
			values["DiskPassphrase"] = secret
		}
		loan, err := env.Lend(values)
		if err != nil {
			t.Fatal(err)
		}
		res := x.Execute(t.Context(), line, env)
		loan.Back()
		if res.Err != nil || strings.Contains(res.Output, secret) {
			t.Fatalf("%s: %v, %q", line.Name(), res.Err, res.Output)
		}
	}
	if f.passphrases != secret {
		t.Errorf("formatted with %q", f.passphrases)
	}
	for _, want := range []string{"mount /dev/mapper/bootward-vda3 xfs data", "apply records 2 2025", "unmount data",
		"bootloader uefi /dev/vda [{/boot/efi fat32 uuid1  } { swap   part2} {/srv/records xfs uuid3 luks3 } {/ ext4 uuid4  }]"} {
		if !slices.Contains(f.calls, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(f.calls, "\n"))
		}
	}
	raw, err := x.Folder.Read(job.FileDisk)
	all, _ := json.Marshal(env.All())
	if err != nil || strings.Contains(string(raw)+string(all)+strings.Join(f.calls, " "), secret) {
		t.Errorf("the passphrase is in %s, %s or %q (%v)", raw, all, f.calls, err)
	}
}

// TestEncryptionRefuses: nothing is erased for a passphrase that is not there, or for a
// system on an encrypted volume which variables lead to.
func TestEncryptionRefuses(t *testing.T) {
	for _, tt := range []struct{ yaml, value, want string }{
		{sealed, "", "DiskPassphrase, which is to hold the passphrase, is empty"},
		{sealed, "two\nlines", "control characters"},
		{strings.Replace(sealed, `"%OSDisk%"`, "/dev/vda3", 1), "p", "on an encrypted volume starts from a volume beside it"},
		{strings.Replace(strings.Replace(sealed, `"%OSDisk%"`, "/dev/vda3", 1), "size: 100%", "size: 200MiB, mountPoint: /boot", 1), "p", "/boot would get 200 MiB"},
		{strings.Replace(strings.Replace(sealed, `"%OSDisk%"`, "/dev/vda2", 1), "size: 100%", "size: 1GiB, mountPoint: /boot", 1), "p", "random key"},
		{sealedSystem, "p", "put the package cryptsetup-initramfs into the image"},
	} {
		s, f := steps(t, tt.yaml), &fake{lacks: true}
		env := sequence.NewEnvironment()
		loan, err := env.Lend(map[string]string{"DiskPassphrase": tt.value})
		if err != nil {
			t.Fatal(err)
		}
		res := executor(t, s, f).Execute(t.Context(), s.Flatten()[0], env)
		loan.Back()
		if res.Err == nil || !strings.Contains(res.Err.Error(), tt.want) || len(f.calls) > 0 {
			t.Errorf("got %v, calls %q, want %q", res.Err, f.calls, tt.want)
		}
	}
}

const sealedSystem = `
  - partitionDisk:
      style: gpt
      secrets: {DiskPassphrase: ward-disks}
      volumes:
        - {name: ESP, type: efi, size: 256MiB, fileSystem: fat32}
        - {name: Boot, type: primary, size: 1GiB, fileSystem: ext4, mountPoint: /boot}
        - {name: OSDisk, type: primary, size: 100%, fileSystem: ext4, variable: OSDisk, encryption: {passphrase: "%DiskPassphrase%"}}
  - applyOperatingSystem: {image: debian-12, to: "%OSDisk%"}
  - setupOperatingSystem: {}
`

// TestEncryptedSystem: the temporary key comes into the open when all else is done, and stands
// nowhere but in the job's folder before.
func TestEncryptedSystem(t *testing.T) {
	s, f := steps(t, sealedSystem), &fake{}
	x := executor(t, s, f)
	env := sequence.NewEnvironment()
	for _, line := range s.Flatten() {
		loan, err := env.Lend(map[string]string{"DiskPassphrase": "typed once"})
		if err != nil {
			t.Fatal(err)
		}
		res := x.Execute(t.Context(), line, env)
		loan.Back()
		if res.Err != nil {
			t.Fatalf("%s: %v", line.Name(), res.Err)
		}
		raw, err := x.Folder.Read(job.FileUnlock)
		if err != nil || string(raw) != f.unlocks || len(raw) < 40 || (f.key != "") != (line.Number == 3) {
			t.Errorf("behind step %d: %d bytes of key in the folder, in the open: %v, %v", line.Number, len(raw), f.key != "", err)
		}
		disk, err := x.Folder.Read(job.FileDisk)
		if all, _ := json.Marshal(env.All()); err != nil || strings.Contains(string(disk)+string(all)+res.Output+strings.Join(f.calls, " "), f.unlocks) {
			t.Errorf("the key is in %s, %s, %q or %q (%v)", disk, all, res.Output, f.calls, err)
		}
	}
	want := []string{"unmount target", "prepare vda gpt 3", "mount /dev/mapper/bootward-vda3 ext4 target", // the job's folder is on it
		"mount /dev/mapper/bootward-vda3 ext4 target", "mount /dev/vda2 ext4 boot", "apply debian-12 1 target",
		"mount /dev/mapper/bootward-vda3 ext4 target", "mount /dev/vda2 ext4 boot", "mount /dev/vda1 fat32 efi",
		"bootloader uefi /dev/vda [{/boot/efi fat32 uuid1  } {/boot ext4 uuid2  } {/ ext4 uuid3 luks3 }]", "agent",
		"unlock target luks3 typed lent", "unmount efi"}
	if !slices.Equal(f.calls, want) {
		t.Errorf("calls\n%s\nwant\n%s", strings.Join(f.calls, "\n"), strings.Join(want, "\n"))
	}
	if f.key != f.unlocks || f.passphrases != "typed once" {
		t.Errorf("key %q of %q, passphrase %q", f.key, f.unlocks, f.passphrases)
	}
	// The disk again, in the same job: nothing of the first is mounted then, and the key is a new one.
	f.calls, f.unlocks = nil, ""
	loan, err := env.Lend(map[string]string{"DiskPassphrase": "typed once"})
	if err != nil {
		t.Fatal(err)
	}
	res := x.Execute(t.Context(), s.Flatten()[0], env)
	loan.Back()
	if res.Err != nil || len(f.calls) < 3 || !slices.Equal(f.calls[:3], []string{"unmount boot", "unmount target", "prepare vda gpt 3"}) || f.unlocks == f.key || f.unlocks == "" {
		t.Errorf("%v, %q", res.Err, f.calls)
	}
}

// TestVariablesChooseTheDisk: what is erased is what variables say, and what the person at
// the machine is shown comes from the same function.
func TestVariablesChooseTheDisk(t *testing.T) {
	two := []disk.Disk{{Name: "vda", Number: 0, Size: 8 << 30, SectorSize: 512}, {Name: "vdb", Number: 1, Size: 8 << 30, SectorSize: 512}}
	s, f := steps(t, chain), &fake{disks: two}
	x := executor(t, s, f)
	x.Permit = allow("vdb")
	env := sequence.NewEnvironment()
	for name, value := range map[string]string{"OSDDiskIndex": "1", "OSDPartitionStyle": "MBR", "OSDPartitions0Type": "Primary", "OSDPartitions0FileSystem": "xfs", "OSDPartitions0VolumeLetterVariable": "OSDisk"} {
		if err := env.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	step := s.Flatten()[0].Node.Step.(*sequence.PartitionDisk)
	if w, err := Wanted(step, env); err != nil || *w.Number != 1 {
		t.Errorf("%s, %v", w, err)
	}
	if res := x.Execute(t.Context(), s.Flatten()[0], env); res.Err != nil || !slices.Equal(f.calls, []string{"unmount target", "prepare vdb mbr 1", "mount /dev/vdb1 xfs target"}) {
		t.Errorf("%v, %q", res.Err, f.calls)
	}
	if err := env.Set("OSDPartitions0Size", "all"); err != nil {
		t.Fatal(err)
	}
	if _, err := Wanted(step, env); err == nil || !strings.Contains(err.Error(), "OSDPartitions0Size") {
		t.Errorf("the person would be asked for a disk: %v", err)
	}
}

// everything is a permit for all disks.
type everything struct{}

func (everything) Allow(disk.Disk) error { return nil }

// TestVariableOfTwoSteps: OSDDiskIndex is of both steps, and none erases what the other one has made.
func TestVariableOfTwoSteps(t *testing.T) {
	two := []disk.Disk{{Name: "vda", Number: 0, Size: 8 << 30, SectorSize: 512}, {Name: "vdb", Number: 1, Size: 8 << 30, SectorSize: 512}}
	const part = "  - partitionDisk: {disk: %d, style: gpt, volumes: [{type: primary, size: 100%%, fileSystem: ext4}]}\n"
	for _, tt := range []struct {
		first, second int
		index, want   string
	}{
		{0, 1, "1", "nothing was erased: OSDDiskIndex leads to vdb, which an earlier step of this job has partitioned; that step names disk 0 and this one disk 1"},
		{0, 1, "0", "leads to vda"},
		{1, 0, "1", "leads to vdb"},
		{0, 0, "1", ""}, // twice the same, as it is written down
		{0, 1, "", ""},
	} {
		s, f := steps(t, fmt.Sprintf(part+part, tt.first, tt.second)), &fake{disks: two}
		x := executor(t, s, f)
		x.Permit = everything{}
		env := sequence.NewEnvironment()
		if err := env.Set("OSDDiskIndex", tt.index); err != nil {
			t.Fatal(err)
		}
		if res := x.Execute(t.Context(), s.Flatten()[0], env); res.Err != nil {
			t.Fatal(res.Err)
		}
		f.calls = nil
		res := x.Execute(t.Context(), s.Flatten()[1], env)
		if tt.want == "" && res.Err != nil || tt.want != "" && (res.Err == nil || !strings.Contains(res.Err.Error(), tt.want) || len(f.calls) > 0) {
			t.Errorf("disks %d and %d, index %q: %v, calls %q", tt.first, tt.second, tt.index, res.Err, f.calls)
		}
	}
}

// TestNumbersOfLogicalVolumes: what a variable names is the partition that the kernel will show.
func TestNumbersOfLogicalVolumes(t *testing.T) {
	s := steps(t, `  - partitionDisk:
      style: mbr
      volumes:
        - {type: extended, size: 100%}
        - {type: logical, size: 1GiB, fileSystem: ext4, variable: Data}
        - {type: logical, size: 100%, fileSystem: ext4, variable: OSDisk}
  - applyOperatingSystem: {image: i, to: "%OSDisk%"}
`)
	f := &fake{disks: []disk.Disk{{Name: "vda", Size: 8 << 30, SectorSize: 512}}}
	x := executor(t, s, f)
	p := s.Flatten()[0].Node.Step.(*sequence.PartitionDisk)
	vols, err := volumes(p, sequence.NewEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	layout, err := diskfs.Plan(diskfs.MBR, f.disks[0].Geometry(), vols)
	if err != nil {
		t.Fatal(err)
	}
	later, err := x.later(s.Flatten()[0], f.disks[0], p, layout, sequence.NewEnvironment())
	if err != nil || len(later) != 1 || later[0].to != "/dev/vda6" {
		t.Errorf("%+v, %v", later, err)
	}
}

// TestDataImage: where a data image may go.
func TestDataImage(t *testing.T) {
	layout := job.Layout{Device: "/dev/vda", Target: "/dev/vda1", Volumes: []job.Volume{{Device: "/dev/vda1", FileSystem: "ext4"},
		{Device: "/dev/vda2", FileSystem: "xfs"}, {Device: "/dev/vda3", FileSystem: "ntfs"}, {Device: "/dev/vda4", FileSystem: "swap"}}}
	for _, tt := range []struct {
		to, folder, want string
		calls            []string
	}{
		{"/dev/vda2", "", "", []string{"mount /dev/vda2 xfs data", "apply d 1 data", "unmount data"}},
		{"/dev/vda2", "/a/b/", "", []string{"mount /dev/vda2 xfs data", "apply d 1 b", "unmount data"}},
		{"/dev/vda1", "/srv/d", "", []string{"mount /dev/vda1 ext4 target", "apply d 1 d"}},
		{"/dev/vda3", "", "", []string{"ntfs d 1 /dev/vda3"}},
		{"/dev/vda1", "", "holds the operating system", nil},
		{"/dev/vda3", "x", "root of an NTFS volume", nil},
		{"/dev/vda4", "", `file system "swap"`, nil},
		{"/dev/vdb1", "", "was not made by this job", nil},
		{"/dev/vda2", "../x", "escapes", []string{"mount /dev/vda2 xfs data", "unmount data"}},
		{"/dev/vda2", "out/x", "escapes", []string{"mount /dev/vda2 xfs data", "unmount data"}},
	} {
		s, f := steps(t, "  - applyDataImage: {image: d, to: "+tt.to+", folder: \""+tt.folder+"\"}\n"), &fake{}
		x := executor(t, s, f)
		if err := x.Folder.WriteJSON(job.FileDisk, layout); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(x.Data, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(t.TempDir(), filepath.Join(x.Data, "out")); err != nil {
			t.Fatal(err)
		}
		res := x.Execute(t.Context(), s.Flatten()[0], sequence.NewEnvironment())
		if (tt.want == "") != (res.Err == nil) || res.Err != nil && !strings.Contains(res.Err.Error(), tt.want) || !slices.Equal(f.calls, tt.calls) {
			t.Errorf("%s /%s: %v, calls %q", tt.to, tt.folder, res.Err, f.calls)
		}
	}
}
