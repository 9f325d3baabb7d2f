package machine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// aptRig is a system of its own for the apt and dpkg of this machine: packages without scripts,
// from two archives in folders.
type aptRig struct {
	t    *testing.T
	root string
	said []string
}

func newAptRig(t *testing.T) *aptRig {
	t.Helper()
	r := &aptRig{t: t, root: t.TempDir()}
	for _, dir := range []string{"etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d", "etc/apt/sources.list.d", "var/lib/dpkg/info", "var/lib/dpkg/updates",
		"var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt", "run", "main", "security"} {
		if err := os.MkdirAll(filepath.Join(r.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.write("var/lib/dpkg/status", "")
	r.write("etc/apt/sources.list", fmt.Sprintf("deb [trusted=yes] file://%[1]s/main ./\ndeb [trusted=yes] file://%[1]s/security ./\n", r.root))
	r.write("apt.conf", fmt.Sprintf("Dir %q;\nDir::State::status %q;\nDir::Bin::methods \"/usr/lib/apt/methods\";\nDir::Bin::dpkg \"/usr/bin/dpkg\";\nAPT::Sandbox::User \"root\";\nDPkg::Options {%q;\"--force-unsafe-io\";};\n",
		r.root+"/", r.root+"/var/lib/dpkg/status", "--root="+r.root))
	return r
}

func (r *aptRig) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.root, name), []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *aptRig) run(name string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), name, args...)
	cmd.Env = append(os.Environ(), r.environment()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (r *aptRig) environment() []string {
	return []string{"APT_CONFIG=" + filepath.Join(r.root, "apt.conf"), "DPKG_ROOT=" + r.root, "DPKG_ADMINDIR=" + filepath.Join(r.root, "var/lib/dpkg")}
}

// publish makes a package in an archive; conf is what its configuration file says.
func (r *aptRig) publish(archive, name, version, depends, conf string) string {
	r.t.Helper()
	tree := filepath.Join(r.root, "build")
	if err := errors.Join(os.RemoveAll(tree), os.MkdirAll(filepath.Join(tree, "DEBIAN"), 0o755), os.MkdirAll(filepath.Join(tree, "etc"), 0o755)); err != nil {
		r.t.Fatal(err)
	}
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Ward <ward@example.org>\nDescription: test\n", name, version)
	if depends != "" {
		control += "Depends: " + depends + "\n"
	}
	r.write("build/DEBIAN/control", control)
	r.write("build/DEBIAN/conffiles", "/etc/"+name+".conf\n")
	r.write("build/etc/"+name+".conf", conf)
	file := filepath.Join(archive, name+"_"+version+".deb")
	r.run("dpkg-deb", "--build", "--root-owner-group", tree, filepath.Join(r.root, file))
	deb, err := os.ReadFile(filepath.Join(r.root, file))
	if err != nil {
		r.t.Fatal(err)
	}
	index := filepath.Join(archive, "Packages")
	old, _ := os.ReadFile(filepath.Join(r.root, index))
	r.write(index, string(old)+control+fmt.Sprintf("Filename: ./%s\nSize: %d\nSHA256: %x\n\n", filepath.Base(file), len(deb), sha256.Sum256(deb)))
	whole, err := os.ReadFile(filepath.Join(r.root, index))
	if err != nil {
		r.t.Fatal(err)
	}
	label := map[string]string{"main": "Label: Debian\nSuite: stable\n", "security": "Label: Debian-Security\nSuite: stable-security\n"}[archive]
	r.write(filepath.Join(archive, "Release"), fmt.Sprintf("Origin: Debian\n%sVersion: 12\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n %x %d Packages\n", label, sha256.Sum256(whole), len(whole)))
	return filepath.Join(r.root, file)
}

func (r *aptRig) installed() string {
	r.t.Helper()
	lines := strings.Fields(r.run("dpkg-query", "--admindir="+filepath.Join(r.root, "var/lib/dpkg"), "--show", "--showformat", "${Package}=${Version}/${db:Status-Status}\n"))
	slices.Sort(lines)
	return strings.ReplaceAll(strings.Join(lines, " "), "/installed", "")
}

func (r *aptRig) updates() Updates {
	return Updates{Environment: r.environment(), Root: r.root, LockWait: time.Minute, LockPause: time.Millisecond, Say: func(s string) { r.said = append(r.said, s) }}
}

// ward is a system with three packages that have updates, two of them from the security archive.
func (r *aptRig) ward() {
	r.t.Helper()
	for _, deb := range []string{r.publish("main", "app", "1.0", "", "1.0\n"), r.publish("main", "lib", "1.0", "", ""), r.publish("main", "web", "1.0", "", "")} {
		r.run("dpkg", "--force-unsafe-io", "--install", deb)
	}
	r.publish("main", "app", "1.2", "", "1.2\n")
	r.publish("main", "tool", "1.0", "", "")
	r.publish("security", "lib", "1.1", "", "")
	r.publish("security", "web", "2.0", "helper", "")
	r.publish("security", "helper", "2.0", "", "")
	r.write("etc/app.conf", "changed here\n")
}

// TestUpdates brings a real system up to date, first with the updates of the security archive,
// then with all.
func TestUpdates(t *testing.T) {
	r := newAptRig(t)
	r.ward()
	for _, tt := range []struct {
		name      string
		mandatory bool
		reboot    bool
		want      string
		output    string
	}{
		{"mandatory", true, false, "app=1.0 helper=2.0 lib=1.1 web=2.0", "3 updates"},
		{"no more of these", true, false, "app=1.0 helper=2.0 lib=1.1 web=2.0", "there are no updates"},
		{"all", false, true, "app=1.2 helper=2.0 lib=1.1 web=2.0", "1 updates: app=1.2"},
		{"none", false, false, "app=1.2 helper=2.0 lib=1.1 web=2.0", "there are no updates"},
	} {
		if tt.reboot {
			r.write("run/reboot-required", "")
		}
		output, restart, err := r.updates().Install(t.Context(), tt.mandatory)
		if err != nil || restart != tt.reboot || !strings.Contains(output, tt.output) {
			t.Fatalf("%s: %v, restart %v\n%s", tt.name, err, restart, output)
		}
		if got := r.installed(); got != tt.want {
			t.Errorf("%s: installed %s, want %s", tt.name, got, tt.want)
		}
	}
	if conf, err := os.ReadFile(filepath.Join(r.root, "etc/app.conf")); string(conf) != "changed here\n" {
		t.Errorf("a configuration file that was changed: %q %v", conf, err)
	}
}

// TestUpdatesGoOn: what a power cut left half installed is put in order first.
func TestUpdatesGoOn(t *testing.T) {
	r := newAptRig(t)
	r.ward()
	r.run("dpkg", "--force-unsafe-io", "--unpack", filepath.Join(r.root, "security/lib_1.1.deb"))
	if got := r.installed(); !strings.Contains(got, "lib=1.1/unpacked") {
		t.Fatal(got)
	}
	if output, _, err := r.updates().Install(t.Context(), true); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if got := r.installed(); got != "app=1.0 helper=2.0 lib=1.1 web=2.0" {
		t.Error(got)
	}
}

// TestUpdatesFail: an archive that cannot be read is an error, though its old index is there, and
// what apt said comes with it.
func TestUpdatesFail(t *testing.T) {
	r := newAptRig(t)
	r.ward()
	r.run("apt-get", "update")
	sources := filepath.Join(r.root, "etc/apt/sources.list")
	before, err := os.ReadFile(sources)
	if err != nil {
		t.Fatal(err)
	}
	r.write("etc/apt/sources.list", string(before)+"deb [trusted=yes] http://127.0.0.1:1/ ./\n") // apt itself takes that for a warning
	if output, _, err := r.updates().Install(t.Context(), false); err == nil || !strings.Contains(output, "127.0.0.1") {
		t.Errorf("an archive that does not answer: %v\n%s", err, output)
	}
	r.write("etc/apt/sources.list", string(before))
	if err := os.Rename(filepath.Join(r.root, "security"), filepath.Join(r.root, "gone")); err != nil {
		t.Fatal(err)
	}
	if output, _, err := r.updates().Install(t.Context(), false); err == nil || !strings.Contains(err.Error(), "apt-get") || !strings.Contains(output, "security") {
		t.Errorf("%v\n%s", err, output)
	}
	if got := r.installed(); got != "app=1.0 lib=1.0 web=1.0" {
		t.Error(got)
	}
}

// TestUpdatesWaitForLocks: of the indexes and of dpkg; not for ever.
func TestUpdatesWaitForLocks(t *testing.T) {
	r := newAptRig(t)
	r.ward()
	for _, name := range []string{"var/lib/apt/lists/lock", "var/lib/dpkg/lock-frontend", "var/lib/dpkg/lock"} {
		f, err := os.OpenFile(filepath.Join(r.root, name), os.O_RDWR|os.O_CREATE, 0o640)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
		if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lock); err != nil {
			t.Fatal(err)
		}
		u := r.updates()
		u.LockWait = 1
		if output, _, err := u.Install(t.Context(), true); err == nil || !strings.Contains(err.Error(), "holds the lock for more than") {
			t.Errorf("%s: %v\n%s", name, err, output)
		}
		u = r.updates()
		waited := false
		u.Say = func(text string) {
			if !strings.Contains(text, "another package manager") {
				return
			}
			waited, lock.Type = true, unix.F_UNLCK
			if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lock); err != nil {
				t.Error(err)
			}
		}
		if output, _, err := u.Install(t.Context(), strings.HasPrefix(name, "var/lib/apt")); err != nil || !waited {
			t.Errorf("%s: %v, waited %v\n%s", name, err, waited, output)
		}
	}
}

func TestParseInstalls(t *testing.T) {
	got := parseInstalls(`Reading package lists...
Inst libc6:i386 [2.36-9] (2.36-9+deb12u4 Debian-Security:12/stable-security, Debian:12.4/stable [i386]) [libc6:amd64 on libc6:i386]
Inst linux-image-6.1 (6.1.1 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64])
Inst tool [1] (2 Debian:12.4/stable [all])
Inst -o (1 x [all])
Inst broken [1]
Conf tool (2 Debian:12.4/stable [all])
`)
	var text []string
	for _, i := range got {
		text = append(text, fmt.Sprint(i.name, " ", i.version, " ", i.security(), " ", i.added))
	}
	want := "libc6:i386 2.36-9+deb12u4 true false|linux-image-6.1 6.1.1 true true|tool 2 false false"
	if s := strings.Join(text, "|"); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
}

// FuzzParseInstalls: no plan makes an option of a name.
func FuzzParseInstalls(f *testing.F) {
	f.Add("Inst a [1] (2 Debian-Security:12/stable-security [all]) []\nInst b (1 [all])\n")
	f.Fuzz(func(t *testing.T, plan string) {
		arguments, _ := mandatoryUpdates(parseInstalls(plan))
		for _, a := range arguments[min(2, len(arguments)):] {
			if strings.HasPrefix(a, "-") || strings.ContainsAny(a, " \n") || !strings.Contains(a, "=") {
				t.Errorf("%q", a)
			}
		}
	})
}
