package boot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseCommandLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want Parameters
		ok   bool
	}{
		{"quiet bootward.role=box", Parameters{Role: RoleBox}, true},
		{"bootward.role=target bootward.shell=1\n", Parameters{Role: RoleTarget, Shell: true}, true},
		{"bootward.role=box bootward.shell=0", Parameters{Role: RoleBox}, true},
		{"quiet", Parameters{}, false},
		{"bootward.role=site", Parameters{Role: "site"}, false},
	} {
		got, err := ParseCommandLine(c.line)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%q: got %+v, %v", c.line, got, err)
		}
	}
}

var modules = fstest.MapFS{
	"modules.dep":     {Data: []byte("kernel/ext4.ko: kernel/jbd2.ko kernel/mbcache.ko\nkernel/jbd2.ko: kernel/mbcache.ko\nkernel/mbcache.ko:\nkernel/virtio-net.ko:\nkernel/crc32c_generic.ko:\n")},
	"modules.softdep": {Data: []byte("softdep ext4 pre: crc32c_generic absent\n")},
	"modules.alias":   {Data: []byte("alias pci:v00008086d0000100Esv*sd*bc*sc*i* e1000\nalias virtio:d00000001v* virtio_net\nalias dmi*:svnA/B* ext4\nalias fs-ext4 ext4\nalias crypto-crc32c crc32c_generic\n")},
}

func TestLoaderLoadsOnceAndInOrder(t *testing.T) {
	table, err := readModuleTable(modules)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var loaded []string
	l := &loader{table: table, dir: "/m", load: func(p string) error {
		mu.Lock()
		defer mu.Unlock()
		loaded = append(loaded, nameOf(p))
		return nil
	}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, n := range []string{"ext4", "virtio:d00000001v00001AF4", "virtio-net", "unknown"} {
				if err := l.Load(n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(loaded) != 5 {
		t.Fatalf("loaded %v", loaded)
	}
	at := func(n string) int { return slices.Index(loaded, n) }
	if at("mbcache") > at("jbd2") || at("jbd2") > at("ext4") || at("crc32c_generic") > at("ext4") {
		t.Errorf("order %v", loaded)
	}
}

func TestLoaderReportsFailure(t *testing.T) {
	table, err := readModuleTable(modules)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	l := &loader{table: table, load: func(p string) error {
		if nameOf(p) == "jbd2" {
			return broken
		}
		return nil
	}}
	if err := l.Load("ext4"); !errors.Is(err, broken) || !strings.Contains(err.Error(), "ext4 needs load jbd2") {
		t.Errorf("got %v", err)
	}
}

func TestMatch(t *testing.T) {
	table, err := readModuleTable(modules)
	if err != nil {
		t.Fatal(err)
	}
	for modalias, want := range map[string][]string{
		"pci:v00008086d0000100Esv00001AF4sd00001100bc02sc00i00": {"e1000"},
		"pci:v00008086d0000FFFFsv00001AF4sd00001100bc02sc00i00": nil,
		"virtio:d00000001v00001AF4":                             {"virtio_net"},
	} {
		if diff := cmp.Diff(want, table.match(modalias)); diff != "" {
			t.Errorf("%s: %s", modalias, diff)
		}
	}
}

// TestAskedByKernel holds the arguments of request_module, and that an alias without a colon finds its module.
func TestAskedByKernel(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"/init", "-q", "--", "fs-ext4"}, "fs-ext4"},
		{[]string{"/init", "-q", "--"}, ""},
		{[]string{"/init"}, ""},
		{[]string{"/init", "-r", "--", "ext4"}, ""},
	} {
		if name, ok := AskedByKernel(c.args); name != c.want || ok != (c.want != "") {
			t.Errorf("%q: got %q, %v", c.args, name, ok)
		}
	}
	table, err := readModuleTable(modules)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"fs-ext4": {"ext4"}, "crypto-crc32c": {"crc32c_generic"}, "virtio-net": {"virtio_net"}, "net-pf-99": nil} {
		if got := table.resolve(name); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestNewModaliases(t *testing.T) {
	sys := fstest.MapFS{"a/modalias": {Data: []byte("pci:1\n")}, "b/c/modalias": {Data: []byte("pci:1\n")}, "d/modalias": {Data: []byte("usb:2\n")}}
	seen := map[string]bool{}
	if got := newModaliases(sys, seen); !slices.Equal(got, []string{"pci:1", "usb:2"}) {
		t.Errorf("first %v", got)
	}
	if got := newModaliases(sys, seen); len(got) != 0 {
		t.Errorf("again %v", got)
	}
}

func TestChooseData(t *testing.T) {
	const size = 1 << 30
	fw := []block{{Name: "vda", Disk: "vda", Fixed: true, Size: size, HasParts: true}, {Name: "vda2", Disk: "vda", Fixed: true, Size: size, PartName: ESPPartition}}
	blank := block{Name: "vdb", Disk: "vdb", Fixed: true, Size: size, Blank: true}
	named := func(b block, name string) block { b.Name, b.Disk = name, name; return b }
	data := block{Name: "vdc", Disk: "vdc", Fixed: true, Size: size, Label: DataLabel}
	with := func(b block, change func(*block)) block { change(&b); return b }
	for _, c := range []struct {
		name   string
		blocks []block
		use    string
		make   string
		reason string
	}{
		{"data is there", append(fw, data), "vdc", "", ""},
		{"data wins over blank", append(fw, blank, data), "vdc", "", ""},
		{"one blank", append(fw, blank), "", "vdb", ""},
		{"two blank", append(fw, blank, named(blank, "vdd")), "", "", "all blank"},
		{"two data", append(fw, data, named(data, "vdd")), "", "", "take out"},
		{"nothing", fw, "", "", "no data disk"},
		{"removable", append(fw, with(blank, func(b *block) { b.Fixed = false })), "", "", "no data disk"},
		{"removable data", append(fw, with(data, func(b *block) { b.Fixed = false })), "", "", "no data disk"},
		{"not blank", append(fw, with(blank, func(b *block) { b.Blank = false })), "", "", "vdb is not blank"},
		{"with partitions", append(fw, with(blank, func(b *block) { b.HasParts = true })), "", "", "no data disk"},
		{"too small", append(fw, with(blank, func(b *block) { b.Size = 1 << 20 })), "", "", "too small"},
		{"cut short", append(fw, with(blank, func(b *block) { b.Blank, b.HalfMade = false, true })), "", "vdb", ""},
		{"cut short after the label", append(fw, with(data, func(b *block) { b.HalfMade = true })), "", "vdc", ""},
		{"unreadable", append(fw, with(blank, func(b *block) { b.Blank, b.ReadError = false, errors.New("EIO") })), "", "", "vdb cannot be read"},
		{"data partition", append(fw, block{Name: "sda3", Disk: "sda", Fixed: true, Size: size, Label: DataLabel}), "sda3", "", ""},
		{"blank partition is none", append(fw, block{Name: "sda3", Disk: "sda", Fixed: true, Size: size, Blank: true}), "", "", "no data disk"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := chooseData(c.blocks)
			if got.Use != c.use || got.Make != c.make || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestChooseESP(t *testing.T) {
	blocks := []block{{Name: "sda1", PartName: "EFI"}, {Name: "sdb2", PartName: ESPPartition, PartUUID: "aa"}, {Name: "sdc2", PartName: ESPPartition, PartUUID: "bb"}}
	for from, want := range map[string]string{"": "sdb2", "BB": "sdc2", "zz": "sdb2"} {
		if got := chooseESP(blocks, from); got != want {
			t.Errorf("from %q: got %q, want %q", from, got, want)
		}
	}
	if got := chooseESP(nil, "aa"); got != "" {
		t.Errorf("none: %q", got)
	}
}

func TestListBlocks(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	sys := fstest.MapFS{
		"vda/removable": file("0\n"), "vda/ro": file("0\n"), "vda/size": file("4096\n"),
		"vda/vda2/partition": file("2\n"), "vda/vda2/size": file("2048\n"), "vda/vda2/uevent": file("DEVNAME=vda2\nPARTNAME=bootward-esp\nPARTUUID=AB\n"),
		"sdb/removable": file("1\n"), "sdb/ro": file("0\n"), "sdb/size": file("10\n"),
		"loop0/removable": file("0\n"), "loop0/ro": file("0\n"), "loop0/size": file("10\n"),
	}
	got, err := listBlocks(sys)
	if err != nil {
		t.Fatal(err)
	}
	want := []block{
		{Name: "loop0", Disk: "loop0", Size: 5120},
		{Name: "sdb", Disk: "sdb", Size: 5120},
		{Name: "vda", Disk: "vda", Size: 2 << 20, Fixed: true, HasParts: true},
		{Name: "vda2", Disk: "vda", Size: 1 << 20, Fixed: true, PartName: ESPPartition, PartUUID: "ab"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func disk(t *testing.T, size int64) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
	return name
}

func probeFile(t *testing.T, name string) block {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := block{Name: "vdb", Disk: "vdb", Fixed: true, Size: info.Size()}
	probe(&b, f)
	return b
}

// TestMakeData formats a blank disk with the real mkfs.ext4, and again after a cut at every stage.
func TestMakeData(t *testing.T) {
	name := disk(t, 300<<20)
	i := &Init{Log: slog.New(slog.DiscardHandler)}
	if b := probeFile(t, name); !b.Blank || chooseData([]block{b}).Make != "vdb" {
		t.Fatalf("blank disk: %+v", b)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeMark(f, 300<<20, halfMadeMark); err != nil { // power cut right after the mark
		t.Fatal(err)
	}
	f.Close()
	if b := probeFile(t, name); b.Blank || !b.HalfMade || chooseData([]block{b}).Make != "vdb" {
		t.Fatalf("marked disk: %+v", b)
	}
	out, err := exec.Command("mkfs.ext4", "-q", "-F", "-E", "nodiscard", "-L", DataLabel, name).CombinedOutput() // power cut after mkfs
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if b := probeFile(t, name); !b.HalfMade || chooseData([]block{b}).Make != "vdb" {
		t.Fatalf("formatted, still marked: %+v", b)
	}
	if err := i.makeData(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if b := probeFile(t, name); b.HalfMade || b.Label != DataLabel || chooseData([]block{b}).Use != "vdb" {
		t.Fatalf("made: %+v", b)
	}
	if out, code, err := i.processes.output(t.Context(), "/usr/sbin/e2fsck", "-fn", name); err != nil || code != 0 {
		t.Fatalf("e2fsck: %d %v %s", code, err, out)
	}
}

func TestProbeForeignDisks(t *testing.T) {
	for _, tool := range [][]string{{"mkfs.vfat"}, {"mkfs.ext4", "-q", "-F", "-L", "other"}, {"sgdisk", "-n", "1:0:0"}, {"mkswap", "-q"}} {
		name := disk(t, 64<<20)
		path, err := exec.LookPath(tool[0])
		if err != nil {
			path = "/usr/sbin/" + tool[0]
		}
		if out, err := exec.Command(path, append(tool[1:], name)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", tool, err, out)
		}
		b := probeFile(t, name)
		b.Size = 1 << 30
		if c := chooseData([]block{b}); c.Make != "" || c.Use != "" {
			t.Errorf("%s: %+v", tool[0], c)
		}
	}
}

// TestProbeErasedTable: a disk whose first and last MiB somebody erased still has data.
func TestProbeErasedTable(t *testing.T) {
	name := disk(t, 300<<20)
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{1}, 8<<20), 100<<20); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if c := chooseData([]block{probeFile(t, name)}); c.Make != "" {
		t.Errorf("%+v", c)
	}
}

func FuzzProbe(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x53, 0xEF}, 1000))
	f.Fuzz(func(t *testing.T, head []byte) {
		if len(extLabel(head)) > 16 {
			t.Fatal("label too long")
		}
	})
}

func FuzzUevent(f *testing.F) {
	f.Add([]byte("add@/devices/x\x00ACTION=add\x00SUBSYSTEM=block\x00MODALIAS=pci:v1\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, ok := parseUevent(raw); ok && e.action == "" {
			t.Fatal("event without an action")
		}
		parseStat(string(raw))
		parseEFIString(raw)
	})
}

func TestPowerPressed(t *testing.T) {
	event := func(kind, code uint16, value uint32) []byte {
		b := make([]byte, 16, inputEventSize)
		b = binary.LittleEndian.AppendUint16(b, kind)
		b = binary.LittleEndian.AppendUint16(b, code)
		return binary.LittleEndian.AppendUint32(b, value)
	}
	released, other, pressed := event(eventKey, keyPower, 0), event(eventKey, 30, 1), event(eventKey, keyPower, 1)
	for _, c := range []struct {
		events [][]byte
		want   bool
	}{
		{nil, false}, {[][]byte{released, other}, false}, {[][]byte{other, pressed}, true}, {[][]byte{pressed[:20]}, false},
	} {
		if got := powerPressed(bytes.NewReader(slices.Concat(c.events...))); got != c.want {
			t.Errorf("%x: %v", c.events, got)
		}
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NewHandler(&out))
	log.Info("hardware is ready after 5.9 s")
	log.With("disk", "vdb").Info("data disk mounted", "check", "clean", "took", 420*time.Millisecond, "error", nil)
	log.Error("bootwardd ended", "code", 2, "error", errors.New("no memory"))
	log.Debug("nothing")
	want := "bootward-init: hardware is ready after 5.9 s\nbootward-init: data disk mounted: disk vdb, check clean, took 0.4 s\n" +
		"bootward-init: error: bootwardd ended: code 2, error no memory\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSmallParsers(t *testing.T) {
	e, ok := parseUevent([]byte("add@/devices/x\x00SUBSYSTEM=block\x00MODALIAS=pci:v1\x00DEVNAME=vda"))
	if want := (uevent{"add", "/devices/x", "block", "pci:v1", "vda"}); !ok || e != want {
		t.Errorf("uevent %+v", e)
	}
	if s, p, ok := parseStat("7 (a ) b) Z 1 7 7"); s != "Z" || p != 1 || !ok {
		t.Errorf("stat %s %d", s, p)
	}
	if got := parseEFIString([]byte{6, 0, 0, 0, 'a', 0, 'B', 0, 0, 0}); got != "aB" {
		t.Errorf("efi string %q", got)
	}
	if got := parseUptime("4.25 3.00\n"); got != 4250*time.Millisecond {
		t.Errorf("uptime %v", got)
	}
	if got := lastConsole("tty0 ttyS0\n"); got != "/dev/ttyS0" {
		t.Errorf("console %q", got)
	}
	mounts := "proc /proc proc rw 0 0\n/dev/vda2 /boot vfat ro 0 0\n/dev/vdb /mnt/a\\040b ext4 rw 0 0\nx /mnt/f fuse.x rw 0 0\n"
	if diff := cmp.Diff([]string{"/boot", "/mnt/a b", "/mnt/f"}, diskMounts(mounts)); diff != "" {
		t.Error(diff)
	}
	for in, want := range map[string]Next{"poweroff\n": NextPowerOff, "disk": NextDisk, "": NextReboot, "halt": NextReboot} {
		if got := parseNext(in); got != want {
			t.Errorf("next %q: %s", in, got)
		}
	}
	for code, ok := range map[int]bool{0: true, 1: true, 3: true, 4: false, 8: false, 12: false} {
		if _, err := fsckVerdict(code); (err == nil) != ok {
			t.Errorf("e2fsck %d: %v", code, err)
		}
	}
}

func TestRestartDelay(t *testing.T) {
	for n, want := range map[int][2]time.Duration{1: {500 * time.Millisecond, time.Second}, 3: {2 * time.Second, 4 * time.Second}, 50: {30 * time.Second, time.Minute}} {
		if lo, hi := restartDelay(n, 0), restartDelay(n, 1); lo != want[0] || hi != want[1] {
			t.Errorf("restart %d: %v to %v", n, lo, hi)
		}
	}
}

func TestPlaceSeed(t *testing.T) {
	dir := t.TempDir()
	kept, seed := filepath.Join(dir, "kept"), filepath.Join(dir, "seed")
	config, token := filepath.Join(dir, "etc/box.yaml"), filepath.Join(dir, "run/token")
	if used, err := placeSeed(kept, seed, config, token); err != nil || used != "none" {
		t.Fatalf("nothing there: %s, %v", used, err)
	}
	for name, text := range map[string]string{"seed/box.yaml": "seed", "seed/enrol.token": "secret"} {
		write(t, filepath.Join(dir, name), text)
	}
	if _, err := placeSeed(kept, seed, config, token); err != nil || read(t, config) != "seed" || read(t, token) != "secret" {
		t.Fatalf("seed: %v", err)
	}
	if info, err := os.Stat(token); err != nil || info.Mode() != 0o600 {
		t.Fatalf("token: %v %v", info.Mode(), err)
	}
	write(t, filepath.Join(kept, "box.yaml"), "kept")
	if used, err := placeSeed(kept, seed, config, token); err != nil || read(t, config) != "kept" || !strings.HasPrefix(used, kept) {
		t.Fatalf("kept: %s, %v", used, err)
	}
}

func TestConsumeSeedRefusesPaths(t *testing.T) {
	for _, name := range []string{"../box.yaml", "a/b", ".", ".."} {
		if err := ConsumeSeed(t.Context(), name); err == nil {
			t.Errorf("%q accepted", name)
		}
	}
	file := filepath.Join(t.TempDir(), "x")
	write(t, file, "secret")
	if err := shred(file); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

// TestProcesses runs programs while the reaper is at work: no exit code is lost to it.
func TestProcesses(t *testing.T) {
	var p processes
	stop := p.watch(func() {})
	defer stop()
	for n := range 20 {
		out, code, err := p.output(t.Context(), "/bin/sh", "-c", "echo out; exit 3")
		if out != "out" || code != 3 || err != nil {
			t.Fatalf("run %d: %q %d %v", n, out, code, err)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestOneReaderOfTheKeyboard: with a support shell bootwardd has none, and nil is
// what os/exec takes for none.
func TestOneReaderOfTheKeyboard(t *testing.T) {
	if keyboard(true) != nil || keyboard(false) != os.Stdin {
		t.Error("shell and bootwardd read the same keyboard")
	}
}
