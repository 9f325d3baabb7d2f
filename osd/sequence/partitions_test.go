package sequence

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func variables(t *testing.T, values ...string) *Environment {
	t.Helper()
	env := NewEnvironment()
	for _, v := range values {
		name, value, _ := strings.Cut(v, "=")
		if err := env.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return env
}

func ownLayout() *PartitionDisk {
	return &PartitionDisk{Style: "gpt", Volumes: []Volume{{Name: "OSDisk", Type: "primary", Size: "100%", FileSystem: "ext4", Variable: "OSDisk"}}}
}

// TestWithVariables: what variables make of the step, and what they leave.
func TestWithVariables(t *testing.T) {
	whole := []string{"OSDPartitions0Type=Primary", "osdpartitions0filesystem=NTFS", "OSDPartitions0Bootable=TRUE", "OSDPartitions0QuickFormat=true",
		"OSDPartitions0VolumeName=Windows", "OSDPartitions0Size=60", "OSDPartitions0SizeUnits=GB", "OSDPartitions0VolumeLetterVariable=OSDisk",
		"OSDPartitions1Type=Hidden", "OSDPartitions1Size=500"}
	windows := Volume{Name: "Windows", Type: "primary", Size: "60GiB", FileSystem: "ntfs", QuickFormat: true, Bootable: true, Variable: "OSDisk"}
	tools := Volume{Type: "recovery", Size: "500MiB"}
	own := ownLayout().Volumes
	for name, tt := range map[string]struct {
		variables []string
		disk      int
		style     string
		volumes   []Volume
	}{
		"none":           {nil, 0, "gpt", own},
		"disk":           {[]string{"OSDDiskIndex=1"}, 1, "gpt", own},
		"style":          {[]string{"OSDPartitionStyle=MBR"}, 0, "mbr", own},
		"layout":         {whole, 0, "gpt", []Volume{windows, tools}},
		"with its count": {append(whole, "OSDPartitions=2"), 0, "gpt", []Volume{windows, tools}},
		"the rest":       {[]string{"OSDPartitions0Type=primary"}, 0, "gpt", []Volume{{Type: "primary", Size: "100%"}}},
		"share, expanded": {[]string{"Share=40", "OSDPartitions0Type=efi", "OSDPartitions0FileSystem=fat32", "OSDPartitions0Size=%Share%", "OSDPartitions0SizeUnits=percent"}, 0, "gpt",
			[]Volume{{Type: "efi", Size: "40%", FileSystem: "fat32"}}},
		"empty counts as none": {[]string{"OSDDiskIndex=", "OSDPartitionStyle=", "OSDPartitions="}, 0, "gpt", own},
	} {
		step := ownLayout()
		got, err := step.WithVariables(variables(t, tt.variables...))
		if err != nil || got.Disk != tt.disk || got.Style != tt.style || !reflect.DeepEqual(got.Volumes, tt.volumes) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if !reflect.DeepEqual(step, ownLayout()) {
			t.Errorf("%s changed the step: %+v", name, step)
		}
	}
}

// TestWithVariablesRefuses: an error names the variable, and says what it takes.
func TestWithVariablesRefuses(t *testing.T) {
	primary := "OSDPartitions0Type=Primary"
	chosen, secret := ownLayout(), ownLayout()
	chosen.Select = &Select{Bus: "nvme"}
	secret.Volumes[0].Encryption = &Encryption{Passphrase: "%P%"}
	for _, tt := range []struct {
		step      *PartitionDisk
		variables []string
		want      []string
	}{
		{nil, []string{"OSDDiskIndex=first"}, []string{"OSDDiskIndex", `"first"`}},
		{nil, []string{"OSDDiskIndex=1x"}, []string{"OSDDiskIndex"}},
		{nil, []string{"OSDDiskIndex=-1"}, []string{"OSDDiskIndex"}},
		{chosen, []string{"OSDDiskIndex=1"}, []string{"OSDDiskIndex", "select"}},
		{nil, []string{"OSDPartitionStyle=APM"}, []string{"OSDPartitionStyle", "apm", "gpt or mbr"}},
		{nil, []string{"OSDPartitions=1"}, []string{"OSDPartitions", "0 partitions"}},
		{nil, []string{"OSDPartitions=2", primary}, []string{`OSDPartitions is "2"`, "1 partitions"}},
		{nil, []string{"OSDPartitions1Type=Primary"}, []string{"OSDPartitions0Type is missing"}},
		{nil, []string{primary, "OSDPartitions2Type=Primary"}, []string{"OSDPartitions1Type is missing"}},
		{nil, []string{primary, "OSDPartitions00Type=EFI"}, []string{"OSDPartitions00Type", "as 0, 1"}},
		{nil, []string{primary, "OSDPartitions1000Type=Primary"}, []string{"OSDPartitions1Type is missing"}},
		{nil, []string{"OSDPartitions99999999999999999999Type=EFI"}, []string{"as 0, 1"}},
		{nil, []string{"OSDPartitions0Size=10"}, []string{"OSDPartitions0Type is missing"}},
		{nil, []string{"OSDPartitions0Type=Extended"}, []string{"OSDPartitions0Type", "mbr disks only"}},
		{nil, []string{"OSDPartitionStyle=MBR", "OSDPartitions0Type=Logical"}, []string{"volumes[0].type", "extended before it"}},
		{nil, []string{"OSDPartitionStyle=MBR", "OSDPartitions0Type=Extended", "OSDPartitions0FileSystem=NTFS"}, []string{"OSDPartitions0FileSystem", "holds logical ones"}},
		{nil, []string{"OSDPartitions0Type=boot"}, []string{"OSDPartitions0Type", `"boot"`}},
		{nil, []string{primary, "OSDPartitions0Sise=10"}, []string{"OSDPartitions0sise", "no such property"}},
		{nil, []string{primary, "OSDPartitions0Size=1.5"}, []string{"OSDPartitions0Size", `"1.5"`}},
		{nil, []string{primary, "OSDPartitions0Size=10", "OSDPartitions0SizeUnits=TB"}, []string{"OSDPartitions0SizeUnits", "MB, GB or Percent"}},
		{nil, []string{primary, "OSDPartitions0Size=101", "OSDPartitions0SizeUnits=Percent"}, []string{"OSDPartitions0Size", "101%"}},
		{nil, []string{primary, "OSDPartitions0Bootable=yes"}, []string{"OSDPartitions0Bootable", "true or false"}},
		{nil, []string{primary, "OSDPartitions0FileSystem=ReFS"}, []string{"OSDPartitions0FileSystem", `"refs"`}},
		{nil, []string{primary, "OSDPartitions0FileSystem=FAT32", "OSDPartitions0VolumeName=a long label"}, []string{"OSDPartitions0VolumeName", "fat32 11"}},
		{nil, []string{primary, "OSDPartitions0VolumeLetterVariable=_OSD"}, []string{"OSDPartitions0VolumeLetterVariable", "read-only"}},
		{nil, []string{"OSDPartitionStyle=MBR", "OSDPartitions0Type=MSR"}, []string{"OSDPartitions0Type", "gpt disks only"}},
		{secret, []string{primary}, []string{"OSDPartitions0Type", "encrypted"}},
	} {
		if tt.step == nil {
			tt.step = ownLayout()
		}
		_, err := tt.step.WithVariables(variables(t, tt.variables...))
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %v, want it to say %q", tt.variables, err, want)
			}
		}
	}
}

// TestSecretDisk: a number that is secret, or became so because it holds a secret, is not passed over: the step would
// erase the disk that it names itself.
func TestSecretDisk(t *testing.T) {
	for _, name := range []string{"OSDDiskIndex", "OSDPartitionStyle", "OSDPartitions0Type"} {
		env := NewEnvironment()
		if err := env.SetSecret(name, "1"); err != nil {
			t.Fatal(err)
		}
		if p, err := ownLayout().WithVariables(env); err == nil || !strings.Contains(err.Error(), name+" is secret") {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// TestVolumesOfSequences: what is wrong with volumes is found before a sequence is anywhere.
func TestVolumesOfSequences(t *testing.T) {
	apply := `,{"applyOperatingSystem":{"image":"i","to":"%osdisk%"}}`
	for _, tt := range []struct{ style, volumes, rest, want string }{
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"swap","encryption":{}}`, "", ""},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"swap","encryption":{"passphrase":"%P%"}}`, "", "new random key at each start"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"ext4","encryption":{}}`, "", "name the variable"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"OSDisk","encryption":{"passphrase":"%P%"}}`, apply, "give the step the volume {name: Boot"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"OSDisk","encryption":{"passphrase":"%P%"}},{"type":"primary","size":"1GiB","fileSystem":"ext4","mountPoint":"/boot"}`, apply, ""},
		{"mbr", `{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"OSDisk","encryption":{"passphrase":"%P%"}},{"type":"primary","size":"1GiB","fileSystem":"ext4","mountPoint":"/boot"}`, apply, ""},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"OSDisk","encryption":{"passphrase":"%P%"}},{"type":"primary","size":"1GiB","fileSystem":"xfs","mountPoint":"/boot"}`, apply, "the boot loader reads this volume"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"OSDisk","encryption":{"passphrase":"%P%"}},{"type":"primary","size":"1GiB","fileSystem":"ext4","mountPoint":"/boot","encryption":{"passphrase":"%P%"}}`, apply, "the boot loader reads this volume"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"OSDisk","encryption":{"passphrase":"%P%"}},{"type":"primary","size":"1GiB","fileSystem":"ext4","mountPoint":"/boot/grub"}`, apply, "the system itself is there"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"OSDisk","encryption":{}},{"type":"primary","size":"1GiB","fileSystem":"ext4","mountPoint":"/boot"}`, apply, "name the variable"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"Data","encryption":{"passphrase":"%P%"}}`, apply, ""},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"ext4","variable":"OSDisk","mountPoint":"/srv"}`, apply, "mounted at /"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"xfs","mountPoint":"/srv/records"}`, "", ""},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"xfs","mountPoint":"/home"},{"type":"primary","size":"1GiB","fileSystem":"xfs","mountPoint":"/home"}`, "", "a folder of its own"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"xfs","mountPoint":"/usr/local"}`, "", "the system itself"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"xfs","mountPoint":"/srv/../etc"}`, "", "give a folder"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"xfs","mountPoint":"/srv/a b"}`, "", "give a folder"},
		{"gpt", `{"type":"primary","size":"1GiB","fileSystem":"swap","mountPoint":"/srv"}`, "", "are mounted"},
		{"mbr", strings.TrimSuffix(strings.Repeat(`{"type":"primary","size":"1GiB"},`, 5), ","), "", "1 to 4 volumes besides logical ones"},
		{"mbr", `{"type":"primary","size":"1GiB"},{"type":"extended","size":"100%"},{"type":"logical","size":"1GiB","fileSystem":"xfs","mountPoint":"/srv"},{"type":"logical","size":"1GiB"},{"type":"logical","size":"1GiB"}`, "", ""},
		{"mbr", `{"type":"logical","size":"1GiB"},{"type":"extended","size":"100%"}`, "", "volumes[0].type: \"logical\""},
		{"mbr", `{"type":"primary","size":"1GiB"},{"type":"extended","size":"100%"}`, "", "behind the extended one"},
		{"mbr", `{"type":"extended","size":"1GiB"},{"type":"extended","size":"100%"},{"type":"logical","size":"1GiB"}`, "", "one extended volume"},
		{"mbr", `{"type":"extended","size":"1GiB"},{"type":"logical","size":"1GiB","bootable":true}`, "", "starts from primary"},
		{"mbr", `{"type":"extended","size":"1GiB","variable":"X"},{"type":"logical","size":"1GiB"}`, "", "give these a variable"},
		{"gpt", `{"type":"extended","size":"1GiB"},{"type":"logical","size":"1GiB"}`, "", "mbr disks only"},
		{"mbr", `{"type":"extended","size":"1GiB"}` + strings.Repeat(`,{"type":"logical","size":"1MiB"}`, 57), "", "1 to 56"},
	} {
		document := `{"format":1,"name":"n","steps":[{"partitionDisk":{"style":"` + tt.style + `","volumes":[` + tt.volumes + `]}}` + tt.rest + `]}`
		if !json.Valid([]byte(document)) {
			t.Fatal(document)
		}
		_, err := Decode([]byte(document))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.volumes, err, tt.want)
		}
	}
}
