// Package domain makes a running Linux system a member of an Active Directory domain or of a workgroup, with Debian's
// programs: adcli makes the computer account and the keytab, sssd knows the domain's users from then on, Samba's
// smb.conf(5) holds the workgroup. See decision 34.
//
// The password of the account that joins goes to adcli's standard input and nowhere else. What a system needs and has
// not is named by its package; nothing is installed.
package domain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/bootward/bootward/agent/tree"
	"github.com/bootward/bootward/diskfs/tool"
)

// Join is what joining a domain takes.
type Join struct {
	Domain   string // DNS name, such as ward.example
	OU       string // where the account is to be, such as OU=Wards,DC=ward,DC=example; empty leaves it to the domain
	Account  string // who may join machines: deploy, WARD\deploy or deploy@ward.example
	Password string
	Host     string // the machine's name, without domain
}

// System is the system that joins.
type System struct {
	Root   string // "/" outside of tests
	Runner tool.Runner
	// Controller is the domain controller to ask; empty: found by DNS.
	Controller string
}

const (
	keytab   = "etc/krb5.keytab"
	kerberos = "etc/krb5.conf"
	sssdFile = "etc/sssd/sssd.conf"
	adcli    = "/usr/sbin/adcli"
)

// Join joins the domain. It may be repeated: the account gets a new password then.
func (s System) Join(ctx context.Context, j Join) error {
	fail := func(err error) error { return fmt.Errorf("join domain %s: %w", j.Domain, err) }
	if err := j.check(); err != nil {
		return fail(err)
	}
	root, err := os.OpenRoot(s.Root)
	if err != nil {
		return fail(err)
	}
	defer root.Close()
	if missing := missingPackages(root.FS()); len(missing) > 0 {
		return fail(fmt.Errorf("this system lacks what it takes; put into the image, or install before this step: %s", strings.Join(missing, " ")))
	}
	if err := j.kerberos(root); err != nil {
		return fail(err)
	}
	if err := s.adcli(ctx, j); err != nil {
		return fail(err)
	}
	if err := tree.Copy(root, sssdFile, 0o600, strings.NewReader(j.sssd())); err != nil {
		return fail(err)
	}
	if _, err := root.Stat("usr/share/pam-configs/mkhomedir"); err == nil {
		if err := s.Runner.Run(ctx, tool.Command{Path: "/usr/sbin/pam-auth-update", Args: []string{"--enable", "mkhomedir"}}); err != nil {
			return fail(err)
		}
	}
	if err := s.Runner.Run(ctx, tool.Command{Path: "/usr/bin/systemctl", Args: []string{"restart", "sssd.service"}}); err != nil {
		return fail(err)
	}
	if err := s.known(ctx, j); err != nil {
		return fail(err)
	}
	return nil
}

// patience is how long sssd may take to know the domain's users: where it did not reach the controller at once, it asks
// again after a minute (sssd.conf(5), offline_timeout, and at most half of it more).
const patience = 2 * time.Minute

// known waits until the system knows the account that joined, as one of the domain's users: the next step may want one.
func (s System) known(ctx context.Context, j Join) error {
	name := j.user()
	if !strings.Contains(name, "@") {
		name += "@" + strings.ToLower(j.Domain)
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		err := s.Runner.Run(waiting, tool.Command{Path: "/usr/bin/getent", Args: []string{"passwd", name}})
		_, unknown := tool.Code(err)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case waiting.Err() != nil:
			return fmt.Errorf("the machine is a member now, but sssd did not know the user %s in %v: /var/log/sssd says why: %w", name, patience, err)
		case !unknown:
			return err
		}
		select { // either way it is asked once more
		case <-waiting.Done():
		case <-tick.C:
		}
	}
}

// adcli makes or takes over the computer account, and writes the keytab.
func (s System) adcli(ctx context.Context, j Join) error {
	var printed []string
	args := []string{"join", "--domain=" + j.Domain, "--login-user=" + j.user(), "--stdin-password", "--login-type=user",
		"--host-fqdn=" + j.fqdn(), "--host-keytab=" + strings.TrimSuffix(s.Root, "/") + "/" + keytab}
	if j.OU != "" {
		args = append(args, "--domain-ou="+j.ou())
	}
	if s.Controller != "" {
		args = append(args, "--domain-controller="+s.Controller)
	}
	env := append(tool.DefaultEnv(), "KRB5_CONFIG="+strings.TrimSuffix(s.Root, "/")+"/"+kerberos)
	err := s.Runner.Run(ctx, tool.Command{Path: adcli, Args: args, Env: env, Input: []byte(j.Password), Line: func(l string) { printed = append(printed, l) }})
	if _, ended := tool.Code(err); ended {
		return explain(strings.Join(printed, "\n"))
	}
	return err
}

func (j Join) check() error {
	if strings.ContainsAny(j.Domain, " /\\:=\n") || !strings.Contains(j.Domain, ".") {
		return errors.New("give the DNS name of the domain, such as ward.example")
	}
	if j.user() == "" || strings.ContainsAny(j.Account+j.OU, "\n\x00") || strings.ContainsAny(j.Password, "\r\n\x00") || j.Password == "" {
		return errors.New("account and password of somebody who may join machines are wanted, without line ends")
	}
	if j.Host == "" {
		return errors.New("the machine has no name; set one with Apply Network Settings")
	}
	return nil
}

// user is the account as adcli takes it: without the NetBIOS name of its domain.
func (j Join) user() string {
	if _, user, ok := strings.Cut(j.Account, `\`); ok {
		return user
	}
	return j.Account
}

// ou is the place without the scheme that the product's variables have (LDAP://OU=…).
func (j Join) ou() string {
	if len(j.OU) > 7 && strings.EqualFold(j.OU[:7], "LDAP://") {
		return j.OU[7:]
	}
	return j.OU
}

func (j Join) fqdn() string { return strings.ToLower(j.Host + "." + j.Domain) }

// written is the first line of a krb5.conf that a join made, and another one may make anew.
const written = "# Written by the deployment.\n"

// kerberos writes krb5.conf(5), unless the image has its own: the names of controllers are taken as the domain gives
// them. MIT Kerberos would ask DNS for the name of the address, which is often none or another one; systemd-resolved
// calls the gateway _gateway.
func (j Join) kerberos(root *os.Root) error {
	old, err := root.ReadFile(kerberos)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && !strings.HasPrefix(string(old), written) {
		return nil
	}
	return tree.Write(root, kerberos, []byte(written+"[libdefaults]\ndefault_realm = "+strings.ToUpper(j.Domain)+"\nrdns = false\n"))
}

// sssd is the text of sssd.conf(5), as realmd writes it on Debian; sssd-ad(5).
func (j Join) sssd() string {
	return fmt.Sprintf(written+`[sssd]
domains = %[1]s
config_file_version = 2
services = nss, pam

[domain/%[1]s]
id_provider = ad
access_provider = ad
ad_domain = %[1]s
ad_hostname = %[2]s
krb5_realm = %[3]s
krb5_store_password_if_offline = True
cache_credentials = True
ldap_id_mapping = True
use_fully_qualified_names = True
default_shell = /bin/bash
fallback_homedir = /home/%%u@%%d
`, strings.ToLower(j.Domain), j.fqdn(), strings.ToUpper(j.Domain))
}

// missingPackages names the Debian packages whose files are not there.
func missingPackages(root fs.FS) (missing []string) {
	for _, p := range [][2]string{
		{"adcli", adcli[1:]}, {"sssd-ad", "usr/lib/*/sssd/libsss_ad.so"}, {"libnss-sss", "usr/lib/*/libnss_sss.so.2"}, {"libpam-sss", "usr/lib/*/security/pam_sss.so"},
	} {
		if found, err := fs.Glob(root, p[1]); err != nil || len(found) == 0 {
			missing = append(missing, p[0])
		}
	}
	return missing
}

// explain says what adcli's complaint means.
func explain(printed string) error {
	for _, known := range []struct{ sign, text string }{
		{"Clock skew", "the clocks of this machine and of the domain controller differ by more than five minutes: set the controller's and the box's clock, the machine takes the box's"},
		{"Preauthentication failed", "the password of the account is wrong"},
		{"Client '", "the domain does not know the account"},
		{"Server not found in Kerberos database", "Kerberos does not know the domain controller by its name in DNS: check its entry there, and that of its address"},
		{"does not specify default realm", "Kerberos went by another name that DNS or systemd-resolved has for the controller's address: write rdns = false into the image's /etc/krb5.conf, section libdefaults, or leave the file out"},
		{"credentials have been revoked", "the account is disabled, locked or expired"},
		{"password has expired", "the password of the account has expired"},
		{"organizational unit does not exist", "the domain has no such OU: give its whole name, such as OU=Wards,DC=ward,DC=example"},
		{"not in the desired organizational unit", "the domain has an account of this computer in another OU: move it or delete it there, or leave the OU out"},
		{"Insufficient permissions", "the account may not make or change the computer's account there: let it, or make the computer's account beforehand"},
		{"Insufficient access", "the account may not make or change the computer's account there: let it, or make the computer's account beforehand"},
		{"Couldn't find usable domain controller", "no domain controller is found: this machine's name server must be the domain's, or know it"},
	} {
		if strings.Contains(strings.ToLower(printed), strings.ToLower(known.sign)) {
			return fmt.Errorf("%s (adcli: %s)", known.text, last(printed))
		}
	}
	return fmt.Errorf("adcli: %s", last(printed))
}

func last(printed string) string {
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	return strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-1]), "adcli: ")
}
