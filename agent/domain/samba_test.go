package domain

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/internal/sambadc"
)

const (
	inside     = "BOOTWARD_TEST_DOMAIN" // set in the inner run
	domainName = "ward.example"
	address    = "10.99.0.1"
	password   = "Pass,word17"
)

// TestSamba joins a domain of Debian's Samba: the test runs again in namespaces of its own, with the controller, its
// DNS and its Kerberos. It needs root.
func TestSamba(t *testing.T) {
	if os.Getenv(inside) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSamba$", "-test.v", "-test.timeout=8m")
		cmd.Env = append(os.Environ(), inside+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID, Unshareflags: unix.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		t.Logf("inside:\n%s", out)
		if err != nil || !bytes.Contains(out, []byte("--- PASS: TestSamba/join")) {
			t.Fatalf("inside: %v", err)
		}
		return
	}
	dc := controller(t)
	run(t, dc.Tool("ou", "add", "OU=Wards")...)
	strict := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(strict, []byte("[libdefaults]\nkdc_timesync = 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		change     func(*Join)
		runner     tool.Runner
	}{
		{"join", "", func(*Join) {}, quiet{}},
		{"again", "", func(*Join) {}, quiet{}},
		{"wrong password", "the password of the account is wrong", func(j *Join) { j.Password = "geheim,17" }, quiet{}},
		{"no such account", "does not know the account", func(j *Join) { j.Account = "stranger17" }, quiet{}},
		{"no such OU", "no such OU", func(j *Join) { j.Host, j.OU = "pc-2", "OU=Nowhere,DC=ward,DC=example" }, quiet{}},
		{"another OU", "in another OU", func(j *Join) { j.OU = "CN=Computers,DC=ward,DC=example" }, quiet{}},
		{"no such domain", "no domain controller is found", func(j *Join) { j.Domain = "other.example" }, quiet{}},
		{"clock put right by Kerberos", "", func(*Join) {}, quiet{offset: "+2h"}},
		{"clock", "clocks of this machine", func(*Join) {}, quiet{offset: "+2h", strict: strict}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := newSystem(t)
			j := Join{Domain: domainName, OU: "OU=Wards,DC=ward,DC=example", Account: `WARD\Administrator`, Password: password, Host: "pc-1"}
			tt.change(&j)
			err := System{Root: dir, Runner: tt.runner}.Join(t.Context(), j)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), j.Password) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if shown := run(t, dc.Tool("computer", "show", "PC-1")...); !strings.Contains(shown, "dn: CN=PC-1,OU=Wards,DC=ward,DC=example") || !strings.Contains(shown, "host/pc-1.ward.example") {
				t.Errorf("the computer's account:\n%s", shown)
			}
			// The keytab is the account's: adcli speaks with the domain by it.
			run(t, "env", "KRB5_CONFIG="+filepath.Join(dir, kerberos), adcli, "testjoin", "--domain="+j.Domain, "--host-keytab="+filepath.Join(dir, keytab))
		})
	}
}

// quiet runs adcli as it is, and passes over what wants a running systemd. offset is what the clock is
// off by, strict a set-up of Kerberos that does not put up with it.
type quiet struct{ offset, strict string }

func (q quiet) Run(ctx context.Context, c tool.Command) error {
	if c.Path != adcli {
		return nil
	}
	if q.offset != "" {
		c.Args = append([]string{"-f", q.offset, c.Path}, c.Args...)
		c.Path = "faketime"
	}
	if q.strict != "" {
		c.Env = append(tool.DefaultEnv(), "KRB5_CONFIG="+q.strict)
	}
	return tool.Exec{}.Run(ctx, c)
}

// controller makes a domain and runs its controller, whose address has the name that systemd-resolved gives to a gateway.
func controller(t *testing.T) sambadc.Controller {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"/etc/resolv.conf": "nameserver " + address + "\n", "/etc/hosts": "127.0.0.1 localhost\n" + address + " _gateway\n"} {
		own := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(own, name, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "ip", "link", "set", "lo", "up")
	run(t, "ip", "addr", "add", address+"/24", "dev", "lo")
	dc := sambadc.Controller{Domain: domainName, Address: netip.MustParsePrefix(address + "/24"), Administrator: password, Dir: filepath.Join(dir, "dc")}
	run(t, dc.Provision()...)
	serve(t, dc)
	run(t, dc.Names()...)
	return dc
}

// serve runs the controller until the test ends, and waits until it can be joined.
func serve(t *testing.T, dc sambadc.Controller) {
	t.Helper()
	var log bytes.Buffer
	args := dc.Serve()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("samba:\n%s", log.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	info := dc.Info()
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		err := exec.CommandContext(ctx, info[0], info[1:]...).Run()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the controller does not answer: %v", err)
		case <-tick.C:
		}
	}
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w\n%s", strings.ReplaceAll(strings.Join(args, " "), password, "…"), err, out))
	}
	return string(out)
}
