package osimage

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bootward/bootward/diskfs/tool"
)

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func TestHostSources(t *testing.T) {
	etc := fstest.MapFS{
		"sources.list":                  {Data: []byte("# main\ndeb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian bookworm main contrib\ndeb-src https://mirror.example/debian bookworm main\n")},
		"sources.list.d/more.sources":   {Data: []byte("Types: deb deb-src\nURIs: https://mirror.example/debian\nSuites: bookworm-updates trixie\nComponents: main\nSigned-By: /k.gpg\n\n# off\nTypes: deb\nEnabled: no\nURIs: https://x\nSuites: bookworm\nComponents: main\n")},
		"sources.list.d/third.list":     {Data: []byte("deb https://third.example/linux bookworm stable\n")},
		"sources.list.d/third.list.bak": {Data: []byte("nonsense")},
	}
	got, err := HostSources(etc, "bookworm")
	if err != nil {
		t.Fatal(err)
	}
	want := []Source{
		{URIs: []string{"https://mirror.example/debian"}, Suites: []string{"bookworm"}, Components: []string{"main"}, SignedBy: "/k.gpg"},
		{URIs: []string{"https://mirror.example/debian"}, Suites: []string{"bookworm-updates"}, Components: []string{"main"}, SignedBy: "/k.gpg"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	again, err := ParseSources("x.sources", Render(got))
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("rendered and read again: %+v, %v", again, err)
	}
	if _, err := HostSources(etc, "sid"); err == nil || !strings.Contains(err.Error(), "none for Debian sid") {
		t.Errorf("got %v", err)
	}
}

func TestParseSourcesNamesTheLine(t *testing.T) {
	for name, text := range map[string]string{"a.list": "\ndeb only\n", "b.list": "\nnonsense here today\n", "c.list": "\ndeb [x http://y z main\n", "d.sources": "Types: deb\nnonsense\n", "e.list": "\n[x=y]\n"} {
		if _, err := ParseSources(name, []byte(text)); err == nil || !strings.HasPrefix(err.Error(), name+":2: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzParseSources(f *testing.F) {
	f.Add("x.list", []byte("deb [a=b] http://x y z"))
	f.Add("x.sources", []byte("Types: deb\n URIs: x\n"))
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		if sources, err := ParseSources(name, raw); err == nil {
			Render(sources)
		}
	})
}

func TestIndexDate(t *testing.T) {
	lists := fstest.MapFS{
		"m_debian_dists_bookworm_InRelease":         {Data: []byte("Origin: Debian\nDate: Sat, 11 Jul 2026 10:16:37 UTC\n")},
		"m_debian_dists_bookworm-updates_InRelease": {Data: []byte("Date: Sat, 21 Nov 2026 02:10:46 UTC\n")},
		"m_debian_dists_trixie_InRelease":           {Data: []byte("Date: Sat, 21 Nov 2027 02:10:46 UTC\n")},
	}
	if got := IndexDate(lists, "bookworm"); !got.Equal(time.Date(2026, 11, 21, 2, 10, 46, 0, time.UTC)) {
		t.Errorf("got %v", got)
	}
	if got := IndexDate(fstest.MapFS{}, "bookworm"); got.Year() != 2023 {
		t.Errorf("got %v", got)
	}
}

func TestKey(t *testing.T) {
	a, err := key(DefaultRecipe(), nil, time.Unix(1, 0))
	changed := DefaultRecipe()
	changed.Packages = append(changed.Packages, "vim")
	b, err2 := key(changed, nil, time.Unix(1, 0))
	c, err3 := key(DefaultRecipe(), nil, time.Unix(2, 0))
	d, err4 := key(DefaultRecipe(), nil, time.Unix(1, 0).UTC())
	if a == b || a == c || a != d || err != nil || err2 != nil || err3 != nil || err4 != nil {
		t.Errorf("%s %s %s %s", a, b, c, d)
	}
}

// TestWith holds that a recipe with packages is another image, and that without any nothing is built anew.
func TestWith(t *testing.T) {
	keyOf := func(r Recipe) string {
		k, err := key(r, nil, time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	base := DefaultRecipe()
	more := base.With("adcli", "locales")
	if n := len(base.Packages); !slices.Equal(more.Packages[n:], []string{"adcli", "locales"}) || !slices.Equal(base.Packages, DefaultRecipe().Packages) {
		t.Errorf("got %v, and %v of before", more.Packages, base.Packages)
	}
	if keyOf(base.With()) != keyOf(base) || keyOf(more) == keyOf(base) {
		t.Errorf("keys %s, %s, %s", keyOf(base.With()), keyOf(base), keyOf(more))
	}
}

// tree has what is easily lost on the way.
func tree(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "bin"), 0o755),
		os.MkdirAll(filepath.Join(dir, "var/log"), 0o755),
		os.WriteFile(filepath.Join(dir, "bin/su"), []byte("su"), 0o755),
		syscall.Chmod(filepath.Join(dir, "bin/su"), 0o4755),
		os.WriteFile(filepath.Join(dir, "bin/ping"), []byte("ping"), 0o755),
		os.Link(filepath.Join(dir, "bin/su"), filepath.Join(dir, "bin/also")),
		os.Link(filepath.Join(dir, "bin/su"), filepath.Join(dir, "zz")),
		os.Symlink("su", filepath.Join(dir, "bin/link")),
		syscall.Mknod(filepath.Join(dir, "null"), syscall.S_IFCHR|0o666, 1<<8|3),
		os.Chown(filepath.Join(dir, "var/log"), 7, 8),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	run(t, "setcap", "cap_net_raw+ep", filepath.Join(dir, "bin/ping"))
	return dir
}

func TestManifestAndCompare(t *testing.T) {
	dir := tree(t)
	m, err := Describe(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.exercises(); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "m.json")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if m, err = Load(path); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Entries, func(e Entry) bool { return e.Path == "/zz" })
	if e := m.Entries[i]; e.LinkedTo != "/bin/also" || e.Mode != "4755" || e.Size != 2 || len(e.SHA256) != 64 {
		t.Errorf("%+v", e)
	}
	if diffs, err := Compare(t.Context(), m, dir, nil); err != nil || len(diffs) > 0 {
		t.Fatalf("the tree differs from itself: %v, %v", diffs, err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	os.Remove(at("zz"))
	os.WriteFile(at("zz"), []byte("su"), 0o4755)
	os.Chmod(at("bin/su"), 0o755)
	os.Remove(at("bin/link"))
	os.Symlink("sh", at("bin/link"))
	run(t, "setcap", "-r", at("bin/ping"))
	os.Chown(at("var/log"), 0, 0)
	os.WriteFile(at("var/log/boot"), nil, 0o644)
	os.WriteFile(at("new"), nil, 0o644)
	os.Remove(at("null"))
	diffs, err := Compare(t.Context(), m, dir, []string{"/var/log/**"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range diffs {
		got = append(got, d.Path+" "+d.What)
	}
	want := []string{"/bin/also mode", "/bin/link target", "/bin/ping attributes", "/bin/su mode", "/new added", "/null missing", "/zz hard link", "/zz mode"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestExercises(t *testing.T) {
	err := Manifest{Entries: []Entry{{Type: "file", Mode: "0755"}}}.exercises()
	for _, want := range []string{"setuid", "capability", "symbolic", "hard"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestInstallWatch(t *testing.T) {
	var last Event
	w := installWatch{tell: func(s string, d, n int64) { last = Event{Stage: s, Done: d, Total: n} }}
	for _, line := range []string{"I: installing remaining packages inside the chroot...", "0 upgraded, 86 newly installed, 0 to remove", "Setting up udev (252) ...", "I: /vmlinuz is now a symlink", "Setting up dbus (1) ..."} {
		w.line(line)
	}
	if want := (Event{Stage: "installing remaining packages inside the chroot", Done: 2, Total: 86}); last != want {
		t.Errorf("got %+v", last)
	}
	if d, n, ok := captureProgress("Archiving file data: 12 MiB of 400 MiB (3%) done"); !ok || d != 12<<20 || n != 400<<20 {
		t.Errorf("%d %d %v", d, n, ok)
	}
}

// TestBuild holds that a failed build leaves nothing in the cache, and
// that a finished one is found again.
func TestBuild(t *testing.T) {
	fails := tool.Func(func(_ context.Context, c tool.Command) error {
		if c.Path == "mmdebstrap" {
			return &tool.Error{Command: "mmdebstrap", Code: 1, Tail: "E: no network"}
		}
		return nil
	})
	o := Options{Recipe: DefaultRecipe(), CacheDir: t.TempDir(), Runner: fails}
	if _, err := Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no network") {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(o.CacheDir); len(left) > 0 {
		t.Errorf("left in the cache: %v", left)
	}
	o.Runner = tool.Func(func(ctx context.Context, c tool.Command) error {
		switch c.Path {
		case "mmdebstrap":
			source := tree(t)
			run(t, "mkdir", "-p", source+"/etc", source+"/var/lib/apt/lists")
			run(t, "cp", "-a", source, c.Args[len(c.Args)-2])
		case "wimlib-imagex":
			return os.WriteFile(c.Args[2], []byte("wim"), 0o644)
		}
		return nil
	})
	first, err := Build(t.Context(), o)
	if err != nil || first.Cached || first.WIMSize != 3 || first.Entries < 8 {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := Build(t.Context(), o)
	if err != nil || !second.Cached || second.WIM != first.WIM || second.Manifest != first.Manifest {
		t.Errorf("%+v, %v", second, err)
	}
	if err := os.Truncate(first.WIM, 1); err != nil {
		t.Fatal(err)
	}
	if third, err := Build(t.Context(), o); err != nil || third.Cached {
		t.Errorf("a cut image was taken from the cache: %+v, %v", third, err)
	}
	if left, _ := os.ReadDir(o.CacheDir); len(left) != 1 {
		t.Errorf("left in the cache: %v", left)
	}
}
