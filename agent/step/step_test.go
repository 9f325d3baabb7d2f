package step

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/agent/bootloader"
	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/domain"
	"github.com/bootward/bootward/agent/image"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/readiness"
	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/agent/share"
	"github.com/bootward/bootward/agent/unlock"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// fake plays the machine and notes what was done to it.
type fake struct {
	t     *testing.T
	calls []string
	disks []disk.Disk
	fail  map[string]error
	// variables are those of the last command.
	variables map[string]string
	// what steps of settings gave, and what they find
	windows settings.Windows
	share   share.Share
	join    domain.Join
	samba   bool
	ready   readiness.Machine
	links   []settings.Link
	now     Captured
	// passphrases that volumes were encrypted with.
	passphrases string
	// unlocks are the temporary keys that volumes got, key the one that was laid into /boot.
	unlocks, key string
	lacks        bool // images have no cryptsetup-initramfs
	// needs of images; nil: they need nothing.
	needs map[string]image.Need
}

// running is the fake as Running, whose Settings is another than that of System.
type running struct{ *fake }

func (r running) Settings() (Captured, error) { return r.now, nil }

func (f *fake) note(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	f.calls = append(f.calls, call)
	return f.fail[strings.Fields(call)[0]]
}

func (f *fake) Scan() ([]disk.Disk, error) { return f.disks, nil }

func (f *fake) Prepare(_ context.Context, p disk.Permit, d disk.Disk, style diskfs.Style, vols []diskfs.Volume, _ func(string)) ([]disk.Prepared, error) {
	if p == nil || p.Allow(d) != nil {
		f.t.Error("asked to erase without a permit")
		return nil, disk.ErrNoPermit
	}
	if err := f.note("prepare %s %s %d", d.Name, style, len(vols)); err != nil {
		return nil, err
	}
	var out []disk.Prepared
	for i, v := range vols {
		p := disk.Prepared{Volume: v, Target: diskfs.Target{Path: fmt.Sprintf("%s%d", d.Device(), i+1), PartUUID: fmt.Sprint("part", i+1)}}
		if v.FileSystem != "" && (v.FileSystem != diskfs.Swap || !v.Encrypted) {
			p.Signature = diskfs.Signature{FileSystem: v.FileSystem, UUID: fmt.Sprint("uuid", i+1)}
		}
		if v.Passphrase != "" {
			f.passphrases += string(v.Passphrase)
			if f.unlocks += string(v.Unlock); v.Unlock != "" {
				p.Slots = []diskfs.Slot{{Number: 0, Salt: "typed"}, {Number: 1, Salt: "lent"}}
			}
			p.Target.Path, p.LUKS = fmt.Sprintf("/dev/mapper/bootward-%s%d", d.Name, i+1), fmt.Sprint("luks", i+1)
		}
		out = append(out, p)
	}
	return out, nil
}

func (f *fake) Mount(device string, fs diskfs.FileSystem, at string) error {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	return f.note("mount %s %s %s", device, fs, filepath.Base(at))
}
func (f *fake) Unmount(at string) error { return f.note("unmount %s", filepath.Base(at)) }
func (f *fake) Need(_ context.Context, name string, index int) (image.Need, error) {
	need, ok := f.needs[name]
	if !ok && f.needs != nil {
		return need, fmt.Errorf("image %q is not here", name)
	}
	return need, nil
}
func (f *fake) Holds(_ context.Context, name string, _ int, path string) (bool, error) {
	return !f.lacks, f.fail["holds"]
}
func (f *fake) ApplyNTFS(_ context.Context, name string, index int, device string, _ func(int64, int64)) error {
	return f.note("ntfs %s %d %s", name, index, device)
}
func (f *fake) Apply(_ context.Context, name string, index int, target string, progress func(int64, int64)) error {
	progress(1, 2)
	return f.note("apply %s %d %s", name, index, filepath.Base(target))
}
func (f *fake) Settings(_ string, s settings.Settings) error {
	var links []string
	for _, l := range s.Links {
		links = append(links, fmt.Sprintf("%s dhcp=%v %v %v %v %v", l.MAC, l.DHCP, l.Addresses, l.Gateways, l.DNS, l.Search))
	}
	return f.note("settings %s %q %v", s.HostName, s.TimeZone, links)
}
func (f *fake) Windows(_ context.Context, _ string, w settings.Windows) error {
	f.windows = w
	return f.note("windows %q %q %q %q", w.TimeZone, w.Locale, w.Owner, w.Organization)
}
func (f *fake) Connect(_ context.Context, s share.Share, at string) error {
	f.share = s
	return f.note("connect %s %s", s, at)
}
func (f *fake) Join(_ context.Context, j domain.Join) error {
	f.join = j
	return f.note("join %s %s %s %s", j.Host, j.Domain, j.OU, j.Account)
}
func (f *fake) Workgroup(_ context.Context, dir, name string) (bool, error) {
	return f.samba, f.note("workgroup %s %s", filepath.Base(dir), name)
}
func (f *fake) Readiness() readiness.Machine                     { return f.ready }
func (f *fake) Network(context.Context) ([]settings.Link, error) { return f.links, nil }
func (f *fake) BootLoader(_ context.Context, s bootloader.System, _ func(string)) error {
	return f.note("bootloader %s %s %v", s.Firmware, s.Disk, s.Volumes)
}
func (f *fake) Agent(string) error { return f.note("agent") }
func (f *fake) Unlock(root string, v unlock.Volume, key []byte) error {
	f.key = string(key)
	return f.note("unlock %s %s %s %s", filepath.Base(root), v.LUKS, v.Passphrase.Salt, v.Temporary.Salt)
}
func (f *fake) Run(_ context.Context, c Command) (int, string, string, error) {
	f.variables = c.Variables
	as := ""
	if c.RunAs != "" {
		as = " as " + c.RunAs
	}
	return 0, "out\n", "out\nerr\n", f.note("run %s in %s%s", c.Line, c.Dir, as)
}

// allow is a permit for one disk by its name.
type allow string

func (a allow) Allow(d disk.Disk) error {
	if d.Name != string(a) {
		return errors.New("another disk")
	}
	return nil
}

// steps reads steps out of YAML.
func steps(t *testing.T, text string) *sequence.Sequence {
	t.Helper()
	objects, err := document.Decode("test.yaml", []byte("kind: TaskSequence\nname: Test\nsteps:\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return objects[0].(*sequence.Sequence)
}

func executor(t *testing.T, s *sequence.Sequence, f *fake) *Executor {
	t.Helper()
	dir := t.TempDir()
	folder, err := job.Create(filepath.Join(dir, "job"))
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Write(job.FileJob, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	f.t = t
	if f.disks == nil {
		f.disks = []disk.Disk{{Name: "vda", Number: 0, Size: 8 << 30, SectorSize: 512}}
	}
	return &Executor{Disks: f, Volumes: f, Images: f, System: f, Commands: f, Shares: f, Members: f, Running: running{f}, Sequence: s, Folder: folder, Permit: allow("vda"),
		InMemory: filepath.Join(dir, "job"), Root: filepath.Join(dir, "target"), Data: filepath.Join(dir, "data"), Computer: "ward-pc-1", MAC: "52:54:00:12:34:56", UEFI: true,
		Stage: status.StageBootImage, Say: func(string) {}, Progress: func(sequence.Line, int64, int64) {}, Log: slog.New(slog.DiscardHandler)}
}

const chain = `
  - partitionDisk:
      style: gpt
      volumes:
        - {name: ESP, type: efi, size: 256MiB, fileSystem: fat32}
        - {name: Swap, type: primary, size: 1GiB, fileSystem: swap}
        - {name: OSDisk, type: primary, size: 100%, fileSystem: ext4, quickFormat: true, variable: OSDisk}
  - applyOperatingSystem: {image: debian-12, to: "%OSDisk%"}
  - applyNetworkSettings:
      workgroup: WARD
      adapters: [{addresses: ["%Address%/24"], gateways: [10.1.2.1], dnsServers: [10.1.2.1], dnsSuffix: ward.example}]
  - setupOperatingSystem: {}
`

// TestChain runs the chain on a fake machine: the job folder goes to the volume,
// and the machine restarts into the installed system.
func TestChain(t *testing.T) {
	s, f := steps(t, chain), &fake{}
	x := executor(t, s, f)
	env := sequence.NewEnvironment()
	for k, v := range map[string]string{"Address": "10.1.2.3", "OSDTimeZone": "Europe/London"} {
		if err := env.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	var last engine.Result
	for _, line := range s.Flatten() {
		if last = x.Execute(t.Context(), line, env); last.Err != nil {
			t.Fatalf("%s: %v", line.Name(), last.Err)
		}
	}
	want := []string{
		"unmount target", "prepare vda gpt 3", "mount /dev/vda3 ext4 target",
		"mount /dev/vda3 ext4 target", "apply debian-12 1 target",
		"mount /dev/vda3 ext4 target", `settings ward-pc-1 "Europe/London" [52:54:00:12:34:56 dhcp=false [10.1.2.3/24] [10.1.2.1] [10.1.2.1] [ward.example]]`,
		"workgroup target WARD",
		"mount /dev/vda3 ext4 target", "mount /dev/vda1 fat32 efi",
		"bootloader uefi /dev/vda [{/boot/efi fat32 uuid1  } { swap uuid2  } {/ ext4 uuid3  }]", "agent", "unmount efi",
	}
	if !slices.Equal(f.calls, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(f.calls, "\n     "), strings.Join(want, "\n     "))
	}
	if last.Restart == nil || last.Restart.To != sequence.ToInstalledOS {
		t.Errorf("restart %+v", last.Restart)
	}
	if x.Folder.Dir() != filepath.Join(x.Root, job.Name) {
		t.Errorf("the job folder is at %s", x.Folder.Dir())
	}
	if v, _ := env.Get("OSDisk"); v != "/dev/vda3" {
		t.Errorf("OSDisk = %q", v)
	}
}

// TestRefusals: what would write where it must not is refused before anything is
// done to the machine.
func TestRefusals(t *testing.T) {
	two := []disk.Disk{{Name: "vda", Number: 0, Size: 8 << 30}, {Name: "vdb", Number: 1, Size: 8 << 30}, {Name: "sda", Number: -1, Size: 8 << 30, Bus: disk.USB}}
	const part = "  - partitionDisk: {%s style: mbr, volumes: [{type: primary, size: 100%%, fileSystem: ext4, variable: OSDisk}]}\n"
	tests := []struct {
		name   string
		yaml   string
		change func(*Executor, *fake)
		want   string
	}{
		{"no permit", fmt.Sprintf(part, ""), func(x *Executor, _ *fake) { x.Permit = nil }, "no permit"},
		{"no such disk", fmt.Sprintf(part, "disk: 2,"), func(_ *Executor, f *fake) { f.disks = two }, "no internal fixed disk with number 2"},
		{"ambiguous", fmt.Sprintf(part, "select: {minSize: 1GiB},"), func(_ *Executor, f *fake) { f.disks = two }, "2 disks fit"},
		{"USB", fmt.Sprintf(part, "select: {bus: scsi},"), func(_ *Executor, f *fake) { f.disks = two[2:] }, "no internal fixed disk"},
		{"apply without a disk", "  - applyOperatingSystem: {image: i, to: /dev/vda1}\n", nil, "no disk was partitioned"},
		{"apply to a variable that is not set", "  - applyOperatingSystem: {image: i, to: \"%OSDisk%\"}\n", nil, "gives no volume"},
		{"settings without a system", "  - applyNetworkSettings: {}\n", nil, "no disk was partitioned"},
		{"setup without a system", "  - setupOperatingSystem: {}\n", nil, "no disk was partitioned"},
		{"setup in the installed system", "  - setupOperatingSystem: {}\n", func(x *Executor, _ *fake) { x.Stage = status.StageInstalledSystem }, "belongs into the boot image"},
		{"restart without a volume", "  - restartComputer: {to: installedOS}\n", nil, "folder is in memory"},
		{"endless variable", "  - runCommandLine: {command: \"%A%\"}\n", nil, "without end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, f := steps(t, tt.yaml), &fake{}
			x := executor(t, s, f)
			if tt.change != nil {
				tt.change(x, f)
			}
			env := sequence.NewEnvironment()
			if err := env.Set("A", "%A%"); err != nil {
				t.Fatal(err)
			}
			res := x.Execute(t.Context(), s.Flatten()[0], env)
			if res.Err == nil || !strings.Contains(res.Err.Error(), tt.want) {
				t.Errorf("got %v, want %q", res.Err, tt.want)
			}
			if len(f.calls) > 0 {
				t.Errorf("done all the same: %q", f.calls)
			}
		})
	}
}

// TestForeignVolume: an image is not applied to a volume that this job did not
// make, nor under a permit that does not cover its disk.
func TestForeignVolume(t *testing.T) {
	for _, tt := range []struct {
		to, want string
		permit   disk.Permit
	}{{"/dev/vdb1", "was not made by this job", allow("vda")}, {"/dev/vda1", "another disk", allow("vdb")}, {"/dev/vda1", "no permit", nil}} {
		s, f := steps(t, "  - applyOperatingSystem: {image: i, to: "+tt.to+"}\n"), &fake{}
		x := executor(t, s, f)
		x.Permit = tt.permit
		if err := x.Folder.WriteJSON(job.FileDisk, job.Layout{Device: "/dev/vda", Volumes: []job.Volume{{Device: "/dev/vda1", FileSystem: "ext4"}}}); err != nil {
			t.Fatal(err)
		}
		res := x.Execute(t.Context(), s.Flatten()[0], sequence.NewEnvironment())
		if res.Err == nil || !strings.Contains(res.Err.Error(), tt.want) || len(f.calls) > 0 {
			t.Errorf("%s: %v, calls %q", tt.to, res.Err, f.calls)
		}
	}
}

// TestAgain: a second partition step takes the job folder off the volume first.
func TestAgain(t *testing.T) {
	s, f := steps(t, chain), &fake{}
	x := executor(t, s, f)
	env := sequence.NewEnvironment()
	line := s.Flatten()[0]
	for range 2 {
		if res := x.Execute(t.Context(), line, env); res.Err != nil {
			t.Fatal(res.Err)
		}
	}
	if _, err := x.Folder.Read(job.FileJob); err != nil || x.Folder.Dir() != filepath.Join(x.Root, job.Name) {
		t.Errorf("folder %s: %v", x.Folder.Dir(), err)
	}
}

// TestAnotherTarget: an image goes to the volume that its own step names, also where a step before it, which did not
// run, named another one.
func TestAnotherTarget(t *testing.T) {
	s, f := steps(t, `
  - partitionDisk:
      style: gpt
      volumes:
        - {type: primary, size: 10GiB, fileSystem: ext4, variable: First}
        - {type: primary, size: 100%, fileSystem: ext4, variable: Second}
  - applyOperatingSystem: {image: i, to: "%First%", disabled: true}
  - applyOperatingSystem: {image: i, to: "%Second%"}
`), &fake{disks: []disk.Disk{{Name: "vda", Size: 64 << 30, SectorSize: 512}}}
	x := executor(t, s, f)
	env, lines := sequence.NewEnvironment(), s.Flatten()
	for _, i := range []int{0, 2} {
		if res := x.Execute(t.Context(), lines[i], env); res.Err != nil {
			t.Fatal(res.Err)
		}
	}
	want := []string{"unmount target", "prepare vda gpt 2", "mount /dev/vda1 ext4 target", "unmount target", "mount /dev/vda2 ext4 target", "apply i 1 target"}
	if !slices.Equal(f.calls, want) {
		t.Errorf("got %q", f.calls)
	}
	if _, err := x.Folder.Read(job.FileJob); err != nil || x.Folder.Dir() != x.InMemory {
		t.Errorf("folder %s: %v", x.Folder.Dir(), err)
	}
}

func TestOutputVariable(t *testing.T) {
	s, f := steps(t, "  - runCommandLine: {command: \"date %X%\", workingDirectory: /tmp, outputVariable: Out}\n"), &fake{}
	x := executor(t, s, f)
	env := sequence.NewEnvironment()
	if err := env.Set("X", "now"); err != nil {
		t.Fatal(err)
	}
	res := x.Execute(t.Context(), s.Flatten()[0], env)
	if out, _ := env.Get("Out"); res.Err != nil || out != "out" || res.Output != "out\nerr\n" || f.calls[0] != "run date now in /tmp" {
		t.Errorf("%+v, %q, %q", res, out, f.calls)
	}
}

// TestSecretVariables: a command finds the secrets of its step in its
// environment. A command line that reaches one through another variable shows
// the name.
func TestSecretVariables(t *testing.T) {
	s, f := steps(t, "  - runCommandLine: {command: \"join %Via% $Password\", secrets: {Password: join}}\n"), &fake{}
	x := executor(t, s, f)
	env := sequence.NewEnvironment()
	if err := env.Set("Via", "%Password%"); err != nil {
		t.Fatal(err)
	}
	loan, err := env.Lend(map[string]string{"Password": "secret word"})
	if err != nil {
		t.Fatal(err)
	}
	defer loan.Back()
	res := x.Execute(t.Context(), s.Flatten()[0], env)
	if res.Err != nil || f.calls[0] != "run join %Password% $Password in " || f.variables["Password"] != "secret word" {
		t.Errorf("%+v, %q, %q", res, f.calls, f.variables)
	}
}

// TestSecretAnswers: a secret variable of the job is in no command line; a command that names it
// finds it in its environment, and what it prints of it is secret as well.
func TestSecretAnswers(t *testing.T) {
	for _, tt := range []struct{ command, fails string }{
		{"x %Pin%", "Pin is secret"}, {"x %Via%", "Pin is secret"}, {"x ${Pin}", ""}, {"x", ""},
	} {
		s, f := steps(t, "  - runCommandLine: {command: \""+tt.command+"\", outputVariable: Out}\n"), &fake{}
		env := sequence.NewEnvironment()
		if err := errors.Join(env.SetSecret("Pin", "out"), env.Set("Via", "%Pin%")); err != nil {
			t.Fatal(err)
		}
		res := executor(t, s, f).Execute(t.Context(), s.Flatten()[0], env)
		if (res.Err == nil) != (tt.fails == "") || res.Err != nil && (!strings.Contains(res.Err.Error(), tt.fails) || len(f.calls) != 0) {
			t.Errorf("%s: %v, %q", tt.command, res.Err, f.calls)
			continue
		}
		if want := map[bool]string{true: "out"}[strings.Contains(tt.command, "{")]; f.variables["Pin"] != want {
			t.Errorf("%s: the command found %q", tt.command, f.variables)
		}
		if res.Err == nil && !slices.Equal(env.Secrets(), []string{"Out", "Pin"}) {
			t.Errorf("%s: secret are %q", tt.command, env.Secrets())
		}
	}
}

// TestRunAs: a command runs as another user only where there is one.
func TestRunAs(t *testing.T) {
	for stage, want := range map[string]string{status.StageInstalledSystem: "", status.StageBootImage: "the boot image has no user but root"} {
		s, f := steps(t, "  - runCommandLine: {command: whoami, workingDirectory: /srv, runAs: deploy}\n"), &fake{}
		x := executor(t, s, f)
		x.Stage = stage
		res := x.Execute(t.Context(), s.Flatten()[0], sequence.NewEnvironment())
		switch {
		case want == "" && (res.Err != nil || !slices.Equal(f.calls, []string{"run whoami in /srv as deploy"})):
			t.Errorf("%s: %v, %q", stage, res.Err, f.calls)
		case want != "" && (res.Err == nil || !strings.Contains(res.Err.Error(), want) || len(f.calls) > 0):
			t.Errorf("%s: %v, %q", stage, res.Err, f.calls)
		}
	}
}
