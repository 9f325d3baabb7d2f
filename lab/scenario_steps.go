package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// theatre is the machine of scenarios/every-step.
const theatre = "theatre-1"

// everyStep deploys a machine by the steps that no other scenario has, and holds what each said.
func everyStep(ctx context.Context, p *play) error {
	if err := p.theatreContent(ctx); err != nil {
		return err
	}
	if err := p.secret(ctx, "records-passphrase", recordsPassphrase); err != nil {
		return err
	}
	if _, err := p.Apply(ctx, p.documents[1].Name, p.documents[1].YAML); err != nil {
		return err
	}
	if err := p.ready(ctx, "Theatre is set up"); err != nil {
		return err
	}
	d, err := p.start(ctx, Target{Name: theatre, Firmware: machine.UEFI, MAC: "52:54:00:77:00:91"})
	if err != nil {
		return err
	}
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	if last := d.Messages[len(d.Messages)-1]; last.ID != status.SequenceCompleted {
		return fmt.Errorf("scenario %s: it ended with message %d: %s", p.scenario.Name, last.ID, last.Output)
	}
	for _, want := range []struct {
		action string
		id     status.MessageID
		texts  []string
	}{
		{"Hang", status.ActionFailed, []string{"longer than its time limit of 5s"}},
		{"Third time", status.ActionCompleted, nil},
		{"No such hardware", status.ActionSkipped, []string{"nothing found"}},
		{"No system yet", status.ActionSkipped, []string{"software dpkg is not installed"}},
		{"Now there is a system", status.ActionCompleted, nil},
		{"What was downloaded", status.ActionCompleted, []string{"Sans"}},
		{"Volumes", status.ActionCompleted, []string{"blood group AB", "xfs", "/dev/dm-", "sealed"}},
		{"As daemon", status.ActionCompleted, []string{"daemon"}},
		{"Before all updates", status.ActionCompleted, []string{"theatre-note\t1.0"}},
		{"After all updates", status.ActionCompleted, []string{"theatre-note\t2.0", "inner 1"}},
		{"What ran", status.ActionCompleted, []string{"installed in theatre 1\n--"}},
		{"Root is", status.ActionCompleted, []string{"root"}},
	} {
		if err := p.said(d, want.action, want.id, want.texts...); err != nil {
			return err
		}
	}
	if n := count(d.Messages, status.RebootInitiated); n != 3 {
		return fmt.Errorf("scenario %s: %d restarts, want that of Setup Operating System, that of the step and that of the program", p.scenario.Name, n)
	}
	return p.shownNowhere(d, recordsPassphrase)
}

const recordsPassphrase = "correct horse battery staple"

func count(messages []status.Message, id status.MessageID) int {
	n := 0
	for _, m := range messages {
		if m.ID == id {
			n++
		}
	}
	return n
}

// ready waits until the box can run an advertisement.
func (p *play) ready(ctx context.Context, advertisement string) error {
	return p.eventually(ctx, 3*time.Minute, "the box is ready for "+advertisement, func(ctx context.Context) (bool, error) {
		r, err := query[api.BoxReady](ctx, p.Lab, "box", "ready", boxName)
		if err != nil {
			return false, err
		}
		return slices.ContainsFunc(r.Deployments, func(d policy.Readiness) bool { return d.Advertisement == advertisement && d.Ready }), nil
	})
}

// theatreContent imports what the sequence installs: two packages, one of them with an archive of
// Debian packages, and an image of data.
func (p *play) theatreContent(ctx context.Context) error {
	dir := filepath.Join(p.options.Dir, "theatre")
	// The first program asks for one restart, and must not run again behind it.
	files := map[string]string{
		"software/install.sh": "echo installed in theatre $1 >>/root/ran\nexit 100\n",
		"software/fonts.txt":  "Sans\n",
		"data/record.txt":     "blood group AB\n",
	}
	for _, v := range []string{"1.0", "2.0"} {
		files["deb-"+v+"/DEBIAN/control"] = "Package: theatre-note\nVersion: " + v + "\nArchitecture: all\nMaintainer: The isolated lab <lab@ward.example>\nDescription: A note\n"
		files["deb-"+v+"/usr/share/theatre-note/note"] = v + "\n"
	}
	for name, text := range files {
		if err := writeAll(filepath.Join(dir, name), text); err != nil {
			return err
		}
	}
	const build = `set -e
mkdir -p archive/old archive/archive
dpkg-deb --root-owner-group --build deb-1.0 archive/old/theatre-note_1.0_all.deb
dpkg-deb --root-owner-group --build deb-2.0 archive/archive/theatre-note_2.0_all.deb
cd archive/archive
deb=theatre-note_2.0_all.deb
{ dpkg-deb --field $deb; echo "Filename: ./$deb"; echo "Size: $(stat -c %s $deb)"; echo "SHA256: $(sha256sum $deb | cut -d' ' -f1)"; } >Packages
cd ../..
wimlib-imagex capture data data.wim "Theatre records" --compress=none`
	cmd := exec.CommandContext(ctx, "sh", "-c", build)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("scenario %s: content: %w: %s", p.scenario.Name, err, strings.TrimSpace(string(out)))
	}
	for _, args := range [][]string{
		{"package", "import", filepath.Join(dir, "software"), "--name", "Theatre software", "--quiet"},
		{"package", "import", filepath.Join(dir, "archive"), "--name", "Theatre archive", "--quiet"},
		{"image", "import", filepath.Join(dir, "data.wim"), "--name", "theatre-records", "--quiet"},
	} {
		if _, err := p.CLI(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func writeAll(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
