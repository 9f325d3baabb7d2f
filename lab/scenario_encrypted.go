package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd/status"
)

// vault is the machine of scenarios/encrypted.
const vault = "vault-1"

// diskPassphrase is typed at the console; its letters are where most keyboards have them.
const diskPassphrase = "two horses, one stable"

// The words of an encrypted system's start.
const (
	unlocksItself = `The temporary key of the deployment opens the disk`
	asksForIt     = `Passphrase of this machine's disk`
)

// encrypted deploys a machine whose system is on an encrypted volume. It restarts unattended until
// the job has ended, and then no more.
func encrypted(ctx context.Context, p *play) error {
	if err := p.sealedContent(ctx); err != nil {
		return err
	}
	d, err := p.start(ctx, Target{Name: vault, Firmware: machine.UEFI, MAC: "52:54:00:77:00:b1"})
	if err != nil {
		return err
	}
	if err := p.tripsOnce(ctx, d); err != nil {
		return err
	}
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	for action, texts := range map[string][]string{
		"Root is encrypted": {"/dev/mapper/luks-", "\n2\n", "400 root", "ext4"},
		"Open the records":  {"blood group AB"},
	} {
		if err := p.said(d, action, status.ActionCompleted, texts...); err != nil {
			return err
		}
	}
	if last := d.Messages[len(d.Messages)-1]; last.ID != status.SequenceCompleted || !strings.Contains(last.Output, "the disk is protected") {
		return fmt.Errorf("scenario %s: the last message is %d: %q, want the end and that the disk is protected", p.scenario.Name, last.ID, last.Output)
	}
	if n := shows(d, unlocksItself); n != 2 || shows(d, asksForIt) > 0 {
		return fmt.Errorf("scenario %s: the key opened the disk %d times and the passphrase was asked for %d times, want 2 and 0", p.scenario.Name, n, shows(d, asksForIt))
	}
	p.holds("%s started twice from its encrypted disk, unattended, and reported that the disk is protected", vault)
	if err := p.shownNowhere(d, diskPassphrase); err != nil {
		return err
	}
	if err := p.SwitchOff(d.Machine); err != nil {
		return err
	}
	if err := p.oneKey(ctx, d); err != nil {
		return err
	}
	return p.typesPassphrase(ctx, d)
}

// tripsOnce lets the job go on behind a failure, with its folder on the encrypted volume again.
func (p *play) tripsOnce(ctx context.Context, d *Deployment) error {
	if _, err := p.fails(ctx, d, 0, "Trip", 7); err != nil {
		return err
	}
	if _, err := p.CLI(ctx, "computer", "retry", vault); err != nil {
		return err
	}
	return p.eventually(ctx, 3*time.Minute, "the site hears that the job goes on", func(ctx context.Context) (bool, error) {
		messages, err := query[[]status.Message](ctx, p.Lab, "status", "messages", "--computer", vault)
		return err == nil && count(messages, status.SequenceStarted) == 2, err
	})
}

// shows counts the lines of a machine's console that hold words.
func shows(d *Deployment, words string) (n int) {
	for _, l := range d.Machine.Serial() {
		if strings.Contains(l.Text, words) {
			n++
		}
	}
	return n
}

// sealedContent puts the secret, the data and the sequence in place.
func (p *play) sealedContent(ctx context.Context) error {
	if err := p.dataImage(ctx, "sealed-records"); err != nil {
		return err
	}
	if err := p.secret(ctx, "records-disk", diskPassphrase); err != nil {
		return err
	}
	if _, err := p.Apply(ctx, p.documents[1].Name, p.documents[1].YAML); err != nil {
		return err
	}
	return p.ready(ctx, "Records are set up")
}

// oneKey looks at the disk of a machine that is off, from outside: the passphrase opens the
// system's volume, nothing else does, and the key's file is gone.
func (p *play) oneKey(ctx context.Context, d *Deployment) (err error) {
	fail := func(err error) error {
		return fmt.Errorf("scenario %s: the disk of %s: %w", p.scenario.Name, vault, err)
	}
	system, detach, err := partition(ctx, d.config.Disks[0].Path, 5)
	if err != nil {
		return fail(err)
	}
	defer func() { err = errors.Join(err, detach()) }()
	dump, err := output(ctx, "cryptsetup", "luksDump", system)
	if err != nil {
		return fail(err)
	}
	if n := strings.Count(dump, ": luks2"); n != 1 {
		return fail(fmt.Errorf("%d key slots, want that of the passphrase", n))
	}
	open := exec.CommandContext(ctx, "cryptsetup", "open", "--readonly", "--test-passphrase", "--key-file=-", system)
	open.Stdin = strings.NewReader(diskPassphrase)
	if out, err := open.CombinedOutput(); err != nil {
		return fail(fmt.Errorf("the passphrase does not open it: %w: %s", err, out))
	}
	if err := p.noKey(ctx, d.config.Disks[0].Path); err != nil {
		return fail(err)
	}
	p.holds("from outside: its system volume has one key slot, which the passphrase opens, and /boot holds a kernel and no key")
	return nil
}

// noKey holds that the volume of /boot has a kernel and no key.
func (p *play) noKey(ctx context.Context, disk string) (err error) {
	boot, detach, err := partition(ctx, disk, 2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, detach()) }()
	at, err := os.MkdirTemp("", "bootward-boot-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(at)) }()
	if _, err := output(ctx, "mount", "-t", "ext4", "-o", "ro,noload", boot, at); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, exec.Command("umount", at).Run()) }()
	kernels, _ := filepath.Glob(filepath.Join(at, "vmlinuz-*"))
	keys, _ := filepath.Glob(filepath.Join(at, "bootward*"))
	if len(kernels) != 1 || len(keys) != 0 {
		return fmt.Errorf("/boot holds the kernels %q and of us %q, want one and none", kernels, keys)
	}
	return nil
}

// typesPassphrase starts the machine once more, as the people of the ward will.
func (p *play) typesPassphrase(ctx context.Context, d *Deployment) error {
	if err := p.again(ctx, d); err != nil {
		return err
	}
	from := 0
	for _, try := range []struct{ typed, answer string }{{"not this one", `bad password`}, {diskPassphrase, vault + ` login:`}} {
		line, err := p.WaitConsole(ctx, d.Machine, from, asksForIt, 4*time.Minute)
		if err != nil {
			return err
		}
		if err := d.Machine.Type(try.typed + "\n"); err != nil {
			return err
		}
		if line, err = p.WaitConsole(ctx, d.Machine, line.N, try.answer, 4*time.Minute); err != nil {
			return err
		}
		from = line.N + 1
	}
	if shows(d, unlocksItself) > 0 {
		return fmt.Errorf("scenario %s: a temporary key opened the disk of %s behind the end of the job", p.scenario.Name, vault)
	}
	p.holds("switched on once more, %s asks for the passphrase at its console, refuses another, and starts with the right one", vault)
	return p.shownNowhere(d, diskPassphrase)
}
