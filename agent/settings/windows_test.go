package settings

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/bootward/bootward/diskfs/tool"
)

const shadow = "root:$y$j9T$old:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nroot2:!:19000:0:99999:7:::\n"

// windowsTree is a system with accounts and, as far as locale.go looks at it, the package locales.
func windowsTree(t *testing.T) string {
	t.Helper()
	dir := newTree(t)
	for name, text := range map[string]string{
		"etc/shadow": shadow, "etc/locale.gen": "# a list\nen_GB.UTF-8 UTF-8", "usr/sbin/locale-gen": "",
		"usr/share/i18n/SUPPORTED":      "de_DE.UTF-8 UTF-8\nde_DE ISO-8859-1\n",
		"usr/lib/locale/C.utf8/LC_X":    "",
		"usr/lib/locale/locale-archive": "\x01\x00en_GB.utf8\x00",
	} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(filepath.Join(dir, "etc/shadow"), 0, 42); err != nil {
		t.Fatal(err)
	}
	return dir
}

// recorder plays locale-gen.
type recorder []string

func (r *recorder) Run(_ context.Context, c tool.Command) error {
	*r = append(*r, strings.ReplaceAll(c.String(), c.Root, "ROOT"))
	return nil
}

func day(n int64) time.Time { return time.Unix(n*86400+7200, 0) }

func TestApplyWindows(t *testing.T) {
	dir, run := windowsTree(t), &recorder{}
	w := Windows{TimeZone: "gmt standard time", Locale: "de_DE.UTF-8", Registration: Registration{`Ward "7" $x`, "Trust"}}
	for range 2 { // it may be repeated
		if err := ApplyWindows(t.Context(), dir, w, run, day(20000)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"etc/timezone": "Europe/London\n", "etc/default/locale": "LANG=de_DE.UTF-8\n",
		"etc/locale.gen":            "# a list\nen_GB.UTF-8 UTF-8\nde_DE.UTF-8 UTF-8\n",
		"etc/bootward/registration": "# Written by the deployment.\nOWNER=\"Ward \\\"7\\\" \\$x\"\nORGANIZATION=\"Trust\"\n",
		"etc/shadow":                "root:!*:20000:0:99999:7:::\n" + strings.SplitAfterN(shadow, "\n", 2)[1],
	} {
		if got := read(t, dir, name); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
		}
	}
	if !slices.Contains(*run, "chroot ROOT /usr/sbin/locale-gen --keep-existing") {
		t.Errorf("run: %q", *run)
	}
	info, err := os.Stat(filepath.Join(dir, "etc/shadow"))
	if err != nil || info.Mode() != 0o640 || info.Sys().(*syscall.Stat_t).Gid != 42 {
		t.Errorf("shadow: %v, %v", info, err)
	}
	got, err := ReadWindows(dir)
	if want := (Windows{TimeZone: "Europe/London", Locale: w.Locale, Registration: w.Registration}); err != nil || got != want {
		t.Errorf("read back %+v, %v", got, err)
	}
}

// TestAdministratorPassword: the password is hashed, and stands nowhere in the tree.
func TestAdministratorPassword(t *testing.T) {
	dir := windowsTree(t)
	const password = "wards:geheim-17"
	if err := ApplyWindows(t.Context(), dir, Windows{Password: password}, nil, day(20001)); err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(read(t, dir, "etc/shadow"), "\n")
	hash := strings.Split(line, ":")[1]
	if salt := strings.Split(hash, "$"); len(salt) != 5 || sha512crypt([]byte(password), []byte(salt[3]), cryptRounds) != hash {
		t.Errorf("shadow line %q", line)
	}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && strings.Contains(read(t, path), "geheim") {
			t.Errorf("%s holds the password", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestApplyWindowsRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(dir string, w *Windows)
		want   string
	}{
		{"no root", func(dir string, _ *Windows) {
			os.WriteFile(filepath.Join(dir, "etc/shadow"), []byte("x:*:1::::::\n"), 0o640)
		}, "no line for root"},
		{"short line", func(dir string, _ *Windows) {
			os.WriteFile(filepath.Join(dir, "etc/shadow"), []byte("root:*\n"), 0o640)
		}, "2 fields"},
		{"no shadow", func(dir string, _ *Windows) { os.Remove(filepath.Join(dir, "etc/shadow")) }, "edit /etc/shadow"},
		{"line end", func(_ string, w *Windows) { w.Password = "a\nb:*" }, "line end"},
		{"zone", func(_ string, w *Windows) { w.TimeZone = "W. Europe Standard Time" }, `time zone "Europe/Berlin"`},
		{"locale's name", func(_ string, w *Windows) { w.Locale = "../etc" }, "want a name such as"},
		{"locale not known", func(_ string, w *Windows) { w.Locale = "xx_XX.UTF-8" }, "does not know it"},
		{"no locales", func(dir string, w *Windows) {
			w.Locale = "de_DE.UTF-8"
			os.Remove(filepath.Join(dir, "usr/sbin/locale-gen"))
		}, "package locales"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, run := windowsTree(t), &recorder{}
			var w Windows
			tt.change(dir, &w)
			if err := ApplyWindows(t.Context(), dir, w, run, day(1)); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "a\nb") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCompiledLocale(t *testing.T) {
	root, err := os.OpenRoot(windowsTree(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, want := range map[string]bool{"C": true, "POSIX": true, "C.UTF-8": true, "en_GB.UTF-8": true, "en_GB": false, "de_DE.UTF-8": false} {
		if compiled(root, name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// TestZones: each name of the table is one that the IANA database has.
func TestZones(t *testing.T) {
	n := 0
	for line := range strings.Lines(windowsZones) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		windows, iana, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if _, err := time.LoadLocation(iana); !ok || err != nil || Zone(windows) != iana {
			t.Errorf("%q: %v", line, err)
		}
		n++
	}
	if n < 130 || Zone("Europe/Paris") != "Europe/Paris" {
		t.Errorf("%d zones", n)
	}
}
