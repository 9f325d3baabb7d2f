package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/bootward/bootward/internal/sambadc"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd/status"
)

// The machine and the domain of scenarios/join-domain. The account deploy joins, alice is one of those who log on.
const (
	office       = "office-1"
	officeDomain = "ward.example"
	joinPassword = "join,Ward-17"
)

// memberPackages are what a member of a domain needs, a locale that must be generated, and a workgroup.
func memberPackages() []string {
	return []string{"adcli", "sssd-ad", "libnss-sss", "libpam-sss", "locales", "samba-common"}
}

// controllerDHCP names the controller, which stands where the DHCP server stands, as the name server: 0.0.0.0 is
// dnsmasq's own address.
func controllerDHCP() []string {
	return []string{"--dhcp-option=option:dns-server,0.0.0.0", "--dhcp-option=option:domain-name," + officeDomain}
}

// joinDomain deploys a machine that becomes a member of a workgroup and, after mistakes of each kind, of a domain.
func joinDomain(ctx context.Context, p *play) error {
	dc, err := p.controller(ctx)
	if err != nil {
		return fmt.Errorf("scenario %s: domain controller: %w", p.scenario.Name, err)
	}
	if err := p.secret(ctx, "join-password", joinPassword); err != nil {
		return err
	}
	if _, err := p.Apply(ctx, p.documents[1].Name, p.documents[1].YAML); err != nil {
		return err
	}
	if err := p.ready(ctx, "Offices are set up"); err != nil {
		return err
	}
	d, err := p.start(ctx, Target{Name: office, Firmware: machine.UEFI, MAC: "52:54:00:77:00:b1"})
	if err != nil {
		return err
	}
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	if err := p.officeSaid(d); err != nil {
		return err
	}
	if err := p.account(ctx, dc); err != nil {
		return err
	}
	return p.shownNowhere(d, joinPassword, "wrong,Ward-17")
}

// officeSaid holds what the steps of the machine said.
func (p *play) officeSaid(d *Deployment) error {
	for _, want := range []struct {
		action string
		id     status.MessageID
		texts  []string
	}{
		{"The locale", status.ActionCompleted, []string{"LANG=de_DE.UTF-8", "de_DE.utf8", "März"}},
		{"The workgroup", status.ActionCompleted, []string{"workgroup = FLOOR7"}},
		{"Wrong password", status.ActionFailed, []string{"the password of the account is wrong"}},
		{"No such domain", status.ActionFailed, []string{"no domain controller is found"}},
		{"No such OU", status.ActionFailed, []string{"the domain has no such OU"}},
		{"Not allowed there", status.ActionFailed, []string{"the account may not make or change the computer's account there"}},
		{"Still no member", status.ActionCompleted, []string{"no keytab"}},
		{"Join Domain or Workgroup", status.ActionCompleted, []string{"office-1 is a member of the domain ward.example"}},
		{"A user of the domain", status.ActionCompleted, []string{"(alice@ward.example)", "(domain users@ward.example)", ":/home/alice@ward.example:/bin/bash"}},
		{"The keytab", status.ActionCompleted, []string{"/etc/krb5.keytab 600 root root", "/etc/sssd/sssd.conf 600 root root"}},
		{"Capture Network Settings", status.ActionCompleted, []string{"OSDNetworkJoinType = 0", "OSDDomainName = ward.example"}},
		{"After a restart", status.ActionCompleted, []string{"active", "/home/alice@ward.example\nalice@ward.example"}},
	} {
		if err := p.said(d, want.action, want.id, want.texts...); err != nil {
			return err
		}
	}
	return nil
}

// account holds that the domain has the computer's account where it is to be.
func (p *play) account(ctx context.Context, dc sambadc.Controller) error {
	shown, err := p.inSegment(ctx, dc.Tool("computer", "show", office))
	if err != nil {
		return err
	}
	for _, want := range []string{"dn: CN=OFFICE-1,OU=Wards,DC=ward,DC=example\n", "dNSHostName: office-1.ward.example\n", "servicePrincipalName: host/office-1.ward.example\n"} {
		if !strings.Contains(shown, want) {
			return fmt.Errorf("scenario %s: the computer's account has no %q:\n%s", p.scenario.Name, want, shown)
		}
		p.holds("the controller has %s", strings.TrimSpace(want))
	}
	return nil
}

// controller makes a domain with an account that may join machines into one OU, and serves it at the gateway's address.
func (p *play) controller(ctx context.Context) (dc sambadc.Controller, err error) {
	p.show.Stage("Domain controller")
	dir := filepath.Join(p.options.Dir, "dc")
	if len(dir) > sambadc.MaxDir {
		return dc, fmt.Errorf("%s is too long for sockets in it: give a --dir that is shorter by %d bytes", dir, len(dir)-sambadc.MaxDir)
	}
	dc = sambadc.Controller{Domain: officeDomain, Address: p.segment.Gateway(), Administrator: "admin,Ward-17", Dir: dir}
	if _, err := p.inSegment(ctx, dc.Provision()); err != nil {
		return dc, err
	}
	if err := p.segment.Start(ctx, p.segment.Namespace(), dir+".log", "samba version", dc.Serve()...); err != nil {
		return dc, err
	}
	if err := p.eventually(ctx, time.Minute, "the domain controller answers", func(ctx context.Context) (bool, error) {
		_, err := p.inSegment(ctx, dc.Info())
		return err == nil, nil
	}); err != nil {
		return dc, err
	}
	return dc, p.fillDomain(ctx, dc)
}

// fillDomain makes OUs and accounts. The right is that of making objects of the class computer, and no other.
func (p *play) fillDomain(ctx context.Context, dc sambadc.Controller) error {
	for _, args := range [][]string{
		dc.Names(), dc.Tool("ou", "add", "OU=Wards"), dc.Tool("ou", "add", "OU=Staff"),
		dc.Tool("user", "add", "deploy", joinPassword), dc.Tool("user", "add", "alice", "alice,Ward-17", "--userou=OU=Staff"),
	} {
		if _, err := p.inSegment(ctx, args); err != nil {
			return err
		}
	}
	shown, err := p.inSegment(ctx, dc.Tool("user", "show", "deploy", "--attributes=objectSid"))
	if err != nil {
		return err
	}
	_, sid, _ := strings.Cut(shown, "objectSid: ")
	sid, _, _ = strings.Cut(sid, "\n")
	const computer = "bf967a86-0de6-11d0-a285-00aa003049e2" // schemaIDGUID of the class
	_, err = p.inSegment(ctx, dc.Tool("dsacl", "set", "--objectdn=OU=Wards,DC=ward,DC=example", "--action=allow", "--sddl=(OA;;CC;"+computer+";;"+sid+")"))
	return err
}

// inSegment runs a program where the segment's gateway is.
func (p *play) inSegment(ctx context.Context, args []string) (string, error) {
	out, err := p.segment.Exec(ctx, args[0], args[1:]...)
	return string(out), err
}
