package facts

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/query"
	"github.com/bootward/bootward/osd/sequence"
)

var _ sequence.Facts = (*Machine)(nil)

// system makes a machine whose system holds these files; a value that begins with -> is a link.
func system(t *testing.T, files map[string]string) (*Machine, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		err := error(nil)
		if to, link := strings.CutPrefix(text, "->"); link {
			err = os.Symlink(to, at)
		} else {
			err = os.WriteFile(at, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return &Machine{Root: func() (string, error) { return dir, nil }}, dir
}

func TestChanged(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	m, dir := system(t, map[string]string{
		"etc/hosts": "x", "etc/abs": "->/etc/hosts", "etc/up": "->../../../../../../etc/hosts", "bin": "->usr/bin", "usr/bin/true": "x",
		"etc/out": "->" + outside, "etc/dangling": "->/nowhere", "etc/folder": "->/usr",
	})
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "etc/hosts"), when, when); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "etc/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path         string
		file, folder bool
	}{
		{"/etc/hosts", true, false}, {"/etc", false, true}, {"/", false, true}, {"/etc/../etc/hosts", true, false},
		{"/etc/abs", true, false}, {"/etc/up", true, false}, {"/bin/true", true, false}, {"/bin", false, true}, {"/etc/folder", false, true},
		{"/etc/pipe", true, false}, // and nobody waits for its other side
		{"/etc/dangling", false, false}, {"/etc/hosts/x", false, false}, {"/nowhere", false, false}, {"/../../../../etc/passwd", false, false},
		{"/etc/out", false, false}, {outside, false, false}, {`C:\Windows\explorer.exe`, false, false}, {strings.Repeat("x", 5000), false, false},
	} {
		for folder, want := range map[bool]bool{false: tt.file, true: tt.folder} {
			_, found, err := m.Changed(tt.path, folder)
			if found != want || err != nil {
				t.Errorf("%.40s, folder %v: %v, %v", tt.path, folder, found, err)
			}
		}
	}
	if at, _, _ := m.Changed("/etc/abs", false); !at.Equal(when) {
		t.Errorf("changed at %s", at)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Changed("/loop", false); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}
}

func TestOperatingSystem(t *testing.T) {
	const debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian\"\nVERSION_ID=\"12\"\nID=debian\n"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  inventory.System
		found bool
	}{
		{"debian", map[string]string{"usr/lib/os-release": debian, "etc/os-release": "->../usr/lib/os-release"}, inventory.System{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)"}, true},
		{"an absolute link", map[string]string{"usr/lib/os-release": debian, "etc/os-release": "->/usr/lib/os-release"}, inventory.System{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)"}, true},
		{"usr alone", map[string]string{"usr/lib/os-release": "ID='arch'\n"}, inventory.System{ID: "arch"}, true},
		{"quotes", map[string]string{"etc/os-release": "# x\nID=x\nVERSION_ID=\"a\\\"\\$b\\c\"\nPRETTY_NAME=\"open\n"}, inventory.System{ID: "x", Version: `a"$b\c`, Name: `"open`}, true},
		{"empty", map[string]string{"etc/os-release": ""}, inventory.System{ID: "linux"}, true},
		{"boot image", map[string]string{"etc/hosts": ""}, inventory.System{}, false},
	} {
		m, _ := system(t, tt.files)
		got, found, err := m.system()
		if got != tt.want || found != tt.found || err != nil {
			t.Errorf("%s: %+v, %v, %v", tt.name, got, found, err)
		}
	}
	m, _ := system(t, map[string]string{"etc/os-release/x": ""})
	if _, _, _, err := m.OperatingSystem(); err == nil {
		t.Error("a folder was read")
	}
}

const status = `Package: samba
Status: install ok installed
Architecture: amd64
Version: 2:4.17.12+dfsg-0+deb12u1
Description: file server
 Version: 9

Package: nginx
Status: deinstall ok config-files
Version: 1.22

Package: libc6
Status: hold ok installed
Architecture: amd64
Version: 2.36-9

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.36-8

Package: man-db
Status: install ok triggers-pending
Version: 2.11`

func TestSoftware(t *testing.T) {
	m, _ := system(t, map[string]string{"var/lib/dpkg/status": status})
	for name, want := range map[string]string{
		"samba": "2:4.17.12+dfsg-0+deb12u1", "Samba": "2:4.17.12+dfsg-0+deb12u1", "nginx": "", "libc6": "2.36-9", "libc6:i386": "2.36-8", "samba:i386": "", "man-db": "2.11", "sam": "",
	} {
		got, found, err := m.Software(name)
		if got != want || found != (want != "") || err != nil {
			t.Errorf("%s: %q, %v, %v", name, got, found, err)
		}
	}
	if _, found, err := mustSystem(t, nil).Software("samba"); found || err != nil {
		t.Errorf("in a boot image: %v, %v", found, err)
	}
	if _, _, err := mustSystem(t, map[string]string{"etc/os-release": "ID=fedora\n"}).Software("samba"); err == nil || !strings.Contains(err.Error(), "fedora") {
		t.Errorf("in a system without dpkg: %v", err)
	}
}

func mustSystem(t *testing.T, files map[string]string) *Machine {
	t.Helper()
	m, _ := system(t, files)
	return m
}

// TestSoftwareAsDpkg holds the answers against those of dpkg itself, for the system that runs
// the test.
func TestSoftwareAsDpkg(t *testing.T) {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Package}:${Architecture}\t${db:Status-Status}\t${Version}\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("/" + dpkgStatus)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i := 0; i < len(lines); i += 1 + len(lines)/50 {
		f := strings.Split(lines[i], "\t")
		if f[1] != "installed" {
			continue
		}
		if got, found, err := installed(bytes.NewReader(raw), f[0]); got != f[2] || !found || err != nil {
			t.Errorf("%s: %q, %v, %v; dpkg says %s", f[0], got, found, err, f[2])
		}
	}
}

func TestQuery(t *testing.T) {
	m, _ := system(t, map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=12\n"})
	m.Computer = query.Computer{Name: "PC1", Facts: inventory.Machine{Model: "OptiPlex 7090"}}
	for _, tt := range []struct {
		query, warning string
		found          bool
	}{
		{"SELECT * FROM Win32_ComputerSystem WHERE Model LIKE 'OptiPlex%'", "", true},
		{"SELECT * FROM Win32_ComputerSystem WHERE Model LIKE 'Latitude%'", "", false},
		{"SELECT * FROM Win32_OperatingSystem WHERE Version = '12' AND Name = 'debian'", "", true},
		{"SELECT * FROM Win32_Battery", "class Win32_Battery is not known", false},
		{"SELECT * FROM Win32_ComputerSystem WHERE Colour = 'red'", "no property Colour", false},
	} {
		found, warning, err := m.Query(tt.query)
		if found != tt.found || !strings.Contains(warning, tt.warning) || tt.warning == "" && warning != "" || err != nil {
			t.Errorf("%s: %v, %q, %v", tt.query, found, warning, err)
		}
	}
	if _, _, err := m.Query("SELECT"); err == nil {
		t.Error("half a query was taken")
	}
	m.Root = func() (string, error) { return "", errors.New("not mounted") }
	if _, _, err := m.Query("SELECT * FROM Win32_ComputerSystem"); err == nil {
		t.Error("a system that is not there was asked")
	}
}

func FuzzInstalled(f *testing.F) {
	f.Add([]byte(status), "samba")
	f.Add([]byte("Package: x\nStatus: install ok installed\n\n\n"), "x")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		version, found, err := installed(bytes.NewReader(text), name)
		if err != nil || !found && version != "" || len(version) > maxStatusLine {
			t.Errorf("%q, %v, %v", version, found, err)
		}
	})
}

func FuzzParseRelease(f *testing.F) {
	f.Add([]byte("ID=\"debian\"\nVERSION_ID='12'\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s := parseRelease(text); len(s.ID)+len(s.Version)+len(s.Name) > len(text)+len("linux") {
			t.Errorf("%+v of %d bytes", s, len(text))
		}
	})
}
