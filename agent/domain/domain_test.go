package domain

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/diskfs/tool"
)

// newSystem is a tree that has what a member of a domain needs.
func newSystem(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"usr/sbin/adcli", "usr/lib/x/sssd/libsss_ad.so", "usr/lib/x/libnss_sss.so.2", "usr/lib/x/security/pam_sss.so", "usr/share/pam-configs/mkhomedir", "etc/sssd/conf.d/README"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// recorder plays the programs, and keeps what they were given.
type recorder struct {
	calls []string
	input string
	env   []string
	fail  string // what adcli prints before it fails
}

func (r *recorder) Run(_ context.Context, c tool.Command) error {
	r.calls = append(r.calls, c.String())
	r.env = append(r.env, c.Env...)
	r.input += string(c.Input)
	if r.fail != "" {
		c.Line(r.fail)
		return &tool.Error{Command: c.String(), Code: 3, Tail: r.fail}
	}
	return nil
}

func ward() Join {
	return Join{Domain: "Ward.example", OU: "LDAP://OU=Wards,DC=ward,DC=example", Account: `WARD\deploy`, Password: "geheim,17", Host: "PC-1"}
}

func TestJoin(t *testing.T) {
	dir, run := newSystem(t), &recorder{}
	if err := (System{Root: dir, Runner: run}).Join(t.Context(), ward()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/usr/sbin/adcli join --domain=Ward.example --login-user=deploy --stdin-password --login-type=user --host-fqdn=pc-1.ward.example --host-keytab=" + dir + "/etc/krb5.keytab --domain-ou=OU=Wards,DC=ward,DC=example",
		"/usr/sbin/pam-auth-update --enable mkhomedir", "/usr/bin/systemctl restart sssd.service", "/usr/bin/getent passwd deploy@ward.example"}
	if !slices.Equal(run.calls, want) || run.input != "geheim,17" || strings.Contains(strings.Join(run.env, " "), "geheim") {
		t.Errorf("got  %q, %q\nwant %q", run.calls, run.input, want)
	}
	info, err := os.Stat(filepath.Join(dir, sssdFile))
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	conf, _ := os.ReadFile(filepath.Join(dir, sssdFile))
	for _, line := range []string{"domains = ward.example\n", "[domain/ward.example]\n", "krb5_realm = WARD.EXAMPLE\n", "ad_hostname = pc-1.ward.example\n", "fallback_homedir = /home/%u@%d\n"} {
		if !strings.Contains(string(conf), line) {
			t.Errorf("no line %q in\n%s", line, conf)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(dir, kerberos)); string(got) != written+"[libdefaults]\ndefault_realm = WARD.EXAMPLE\nrdns = false\n" {
		t.Errorf("krb5.conf: %q", got)
	}
	if strings.Contains(string(conf), "geheim") {
		t.Error("sssd.conf holds the password")
	}
	if m, err := ReadMembership(dir); err != nil || m != (Membership{Domain: "ward.example"}) {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestJoinRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		change     func(dir string, j *Join, r *recorder)
	}{
		{"packages", "install before this step: adcli sssd-ad libnss-sss libpam-sss", func(dir string, _ *Join, _ *recorder) { os.RemoveAll(filepath.Join(dir, "usr")) }},
		{"NetBIOS name", "DNS name", func(_ string, j *Join, _ *recorder) { j.Domain = "WARD" }},
		{"no password", "password", func(_ string, j *Join, _ *recorder) { j.Password = "" }},
		{"no name", "has no name", func(_ string, j *Join, _ *recorder) { j.Host = "" }},
		{"clock", "clocks", func(_ string, _ *Join, r *recorder) {
			r.fail = "adcli: couldn't connect to ward.example domain: Couldn't authenticate as: x@WARD.EXAMPLE: Clock skew too great"
		}},
		{"rights", "may not make", func(_ string, _ *Join, r *recorder) {
			r.fail = "adcli: joining domain ward.example failed: Insufficient permissions to join the domain"
		}},
		{"name of the address", "rdns = false", func(_ string, _ *Join, r *recorder) {
			r.fail = "adcli: couldn't connect to ward.example domain: SASL(-1): generic failure: GSSAPI Error: Unspecified GSS failure.  Minor code may provide more information (Configuration file does not specify default realm)"
		}},
		{"something else", "adcli: it rains", func(_ string, _ *Join, r *recorder) { r.fail = "adcli: it rains" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, j, run := newSystem(t), ward(), &recorder{}
			tt.change(dir, &j, run)
			err := System{Root: dir, Runner: run}.Join(t.Context(), j)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if _, err := os.Stat(filepath.Join(dir, sssdFile)); err == nil {
				t.Error("sssd.conf was written")
			}
		})
	}
}

// TestKerberosOfTheImageStays holds that a krb5.conf that is the image's own is left alone.
func TestKerberosOfTheImageStays(t *testing.T) {
	dir := newSystem(t)
	file := filepath.Join(dir, kerberos)
	for _, tt := range []struct{ before, after string }{
		{"[libdefaults]\n", "[libdefaults]\n"},
		{written + "[libdefaults]\ndefault_realm = OLD.EXAMPLE\n", written + "[libdefaults]\ndefault_realm = WARD.EXAMPLE\nrdns = false\n"},
	} {
		if err := os.WriteFile(file, []byte(tt.before), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := (System{Root: dir, Runner: &recorder{}}).Join(t.Context(), ward()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != tt.after {
			t.Errorf("%q became %q, %v", tt.before, got, err)
		}
	}
}

// TestJoinWaitsForUsers holds that a step behind this one finds the domain's users, and that nobody waits for ever.
func TestJoinWaitsForUsers(t *testing.T) {
	for name, tt := range map[string]struct {
		asked int // how often sssd knows nobody
		want  string
	}{"soon": {3, ""}, "never": {1 << 30, "sssd did not know the user deploy@ward.example in 2m0s"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, asked := time.Now(), 0
				run := tool.Func(func(_ context.Context, c tool.Command) error {
					if c.Path != "/usr/bin/getent" {
						return nil
					}
					if asked++; asked > tt.asked {
						return nil
					}
					return &tool.Error{Command: c.String(), Code: 2}
				})
				err := System{Root: newSystem(t), Runner: run}.Join(t.Context(), ward())
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				if took := time.Since(begun); tt.want == "" && took != 3*time.Second || took > patience {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestSetGlobal(t *testing.T) {
	for _, tt := range []struct{ name, conf, want string }{
		{"empty", "", "[global]\n   workgroup = WARD\n"},
		{"there", "# x\n[global]\n\tWorkgroup=OLD\n  workgroup = OLDER\n[homes]\n  workgroup = kept\n", "# x\n[global]\n   workgroup = WARD\n[homes]\n  workgroup = kept\n"},
		{"not there", "[Global]\n  a = b\n[homes]\n", "[Global]\n  a = b\n   workgroup = WARD\n[homes]\n"},
		{"at the end", "[homes]\n[global]\n;workgroup = x\n", "[homes]\n[global]\n;workgroup = x\n   workgroup = WARD\n"},
	} {
		if got := setGlobal(tt.conf, "workgroup", "WARD"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMembership(t *testing.T) {
	for _, tt := range []struct {
		sssd, smb string
		want      Membership
	}{
		{"", "", Membership{}},
		{"", "[global]\nworkgroup = WARD\n", Membership{Workgroup: "WARD"}},
		{"", "[global]\nworkgroup = WARD\nsecurity = ADS\nrealm = WARD.EXAMPLE\n", Membership{Domain: "ward.example"}},
		{"[sssd]\n[domain/x]\nid_provider = ldap\n", "[global]\nworkgroup = A B\n", Membership{Workgroup: "A B"}},
		{"[domain/w]\nid_provider = ad\nad_domain = ward.example\n", "[global]\nworkgroup = WARD\n", Membership{Domain: "ward.example"}},
	} {
		if got := membership(tt.sssd, tt.smb); got != tt.want {
			t.Errorf("%q, %q: %+v", tt.sssd, tt.smb, got)
		}
	}
}

func TestSetWorkgroup(t *testing.T) {
	dir := t.TempDir()
	if had, err := SetWorkgroup(dir, "WARD"); had || err != nil {
		t.Errorf("without Samba: %v, %v", had, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "etc/samba"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, smbFile), []byte("[global]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	had, err := SetWorkgroup(dir, "WARD")
	if m, _ := ReadMembership(dir); !had || err != nil || m.Workgroup != "WARD" {
		t.Errorf("%v, %v, %+v", had, err, m)
	}
}
