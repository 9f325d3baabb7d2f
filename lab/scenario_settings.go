package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd/status"
)

// settings deploys a machine that is set up from variables and a share of Debian's Samba, which stands on the segment.
func settings(ctx context.Context, p *play) error {
	if err := p.fileServer(ctx); err != nil {
		return err
	}
	d, err := p.start(ctx, Target{Name: "reception-1", Firmware: machine.UEFI, MAC: "52:54:00:77:00:81"})
	if err != nil {
		return err
	}
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	for _, want := range []struct {
		action string
		id     status.MessageID
		texts  []string
	}{
		{"Wrong password", status.ActionFailed, []string{"the account or its password is wrong"}},
		{"No such share", status.ActionFailed, []string{"no share or no folder of this name"}},
		{"Read from the share", status.ActionCompleted, []string{"hello from the file server"}},
		{"Look at the settings", status.ActionCompleted, []string{"Europe/London", "LANG=C.UTF-8", `OWNER="Reception reception-1"`, "root:$6$", "640 root shadow"}},
		{"Capture Windows Settings", status.ActionCompleted, []string{"OSDComputerName = reception-1", "OSDTimeZone = Europe/London", "OSDRegisteredOrgName = The isolated lab"}},
		{"Capture Network Settings", status.ActionCompleted, []string{"OSDAdapterCount = 1", "OSDAdapter0MACAddress = 52:54:00:77:00:81", "OSDAdapter0EnableDHCP = true"}},
	} {
		if err := p.said(d, want.action, want.id, want.texts...); err != nil {
			return err
		}
	}
	return p.shownNowhere(d, "share-17", "ward-root-17", "ward-wrong-17")
}

// said holds that a step ended so, with these words in its output.
func (p *play) said(d *Deployment, action string, id status.MessageID, texts ...string) error {
	i := slices.IndexFunc(d.Messages, func(m status.Message) bool { return m.Action == action && m.ID == id })
	if i < 0 {
		return fmt.Errorf("scenario %s: %s: there is no message %d of %q", p.scenario.Name, d.Target.Name, id, action)
	}
	for _, text := range texts {
		if !strings.Contains(d.Messages[i].Output, text) {
			return fmt.Errorf("scenario %s: %s: %q did not say %q but %q", p.scenario.Name, d.Target.Name, action, text, d.Messages[i].Output)
		}
	}
	p.holds("%s said: %s", action, strings.ReplaceAll(strings.Join(texts, ", "), "\n", ", "))
	return nil
}

// shownNowhere holds that no message and no line of the console shows a secret.
func (p *play) shownNowhere(d *Deployment, secrets ...string) error {
	for _, s := range secrets {
		for _, m := range d.Messages {
			if strings.Contains(m.Output, s) {
				return fmt.Errorf("scenario %s: message %d of %s shows a password", p.scenario.Name, m.Number, d.Target.Name)
			}
		}
		for _, l := range d.Machine.Serial() {
			if strings.Contains(l.Text, s) {
				return fmt.Errorf("scenario %s: the console of %s shows a password", p.scenario.Name, d.Target.Name)
			}
		}
	}
	p.holds("no message and no line of the console shows a password")
	return nil
}

// smbConf keeps a file server to one folder and the segment; daemon is an account that each Debian has.
const smbConf = `[global]
   server role = standalone server
   workgroup = WARD
   interfaces = %[2]s
   bind interfaces only = yes
   disable netbios = yes
   smb ports = 445
   private dir = %[1]s/state
   state directory = %[1]s/state
   cache directory = %[1]s/state
   lock directory = %[1]s/state
   pid directory = %[1]s/state
   ncalrpc dir = %[1]s/state/ncalrpc
   passdb backend = tdbsam
   load printers = no
   printcap name = /dev/null
[deploy$]
   path = %[1]s/share
   valid users = daemon
   force user = root
   read only = yes
`

// fileServer starts Debian's Samba at the gateway's address.
func (p *play) fileServer(ctx context.Context) error {
	fail := func(err error) error { return fmt.Errorf("scenario %s: file server: %w", p.scenario.Name, err) }
	dir := filepath.Join(p.options.Dir, "smb")
	for _, folder := range []string{"state", "share/ward"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return fail(err)
		}
	}
	conf := filepath.Join(dir, "smb.conf")
	for name, text := range map[string]string{conf: fmt.Sprintf(smbConf, dir, p.segment.Gateway()), filepath.Join(dir, "share/ward/hello.txt"): "hello from the file server\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return fail(err)
		}
	}
	const password = "ward,share-17\n"
	set := exec.CommandContext(ctx, "smbpasswd", "-c", conf, "-L", "-a", "-s", "daemon")
	set.Stdin = strings.NewReader(password + password)
	if out, err := set.CombinedOutput(); err != nil {
		return fail(fmt.Errorf("smbpasswd: %w: %s", err, out))
	}
	return p.segment.Start(ctx, p.segment.Namespace(), filepath.Join(dir, "smbd.log"), "smbd version", "smbd", "--foreground", "--no-process-group", "--debug-stdout", "-s", conf)
}
