package lab

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/lab/osimage"
	"github.com/bootward/bootward/osd/status"
)

// importedXML is the task sequence that the scenario disks imports.
//
//go:embed scenarios/disks/imported.xml
var importedXML string

const (
	// otherImage is the ID that the image has in importedXML, at the site that it came from.
	otherImage = "WRD00021"
	// importedAdvertisement needs the imported sequence, so it is no document of the scenario.
	importedAdvertisement = `kind: Advertisement
name: Imported is set up
collection: Imported
sequence: Imported PC
mandatory: [asSoonAsPossible]
confirmedMachines: 1
`
	smallDisk  = 600 // MiB: less than the image
	smallHolds = "The only copy of the theatre's records, part"
)

// disks deploys onto disks that no other scenario has, and reads them back by other programs than ours.
func disks(ctx context.Context, p *play) error {
	if err := p.dataImage(ctx, "patient-records"); err != nil {
		return err
	}
	if err := p.innerErases(ctx); err != nil {
		return err
	}
	if err := p.imports(ctx); err != nil {
		return err
	}
	records, err := p.start(ctx, Target{Name: "records-1", Firmware: machine.BIOS, MAC: "52:54:00:77:00:b1", Changes: []string{"/srv/exchange", "/srv/exchange/**"}})
	if err != nil {
		return err
	}
	small, err := p.start(ctx, Target{Name: "small-1", Firmware: machine.UEFI, MAC: "52:54:00:77:00:b3", DiskMiB: smallDisk, Holds: smallHolds})
	if err != nil {
		return err
	}
	if err := p.tooSmall(ctx, small); err != nil {
		return err
	}
	imported, err := p.start(ctx, Target{Name: "imported-1", Firmware: machine.UEFI, MAC: "52:54:00:77:00:b2"})
	if err != nil {
		return err
	}
	if err := p.recorded(ctx, records); err != nil {
		return err
	}
	return p.imported(ctx, imported)
}

// innerErases holds that the site takes a sequence for one that erases if the one that it runs does.
func (p *play) innerErases(ctx context.Context) error {
	words, err := p.ApplyRefused(ctx, p.documents[1].Name, p.documents[1].YAML)
	if err != nil {
		return err
	}
	if err := p.has("the refusal", words, `"Records PC" would erase, and 0 are confirmed`); err != nil {
		return err
	}
	p.holds("a mandatory advertisement of a sequence whose inner one erases is refused without a number of machines")
	plan, err := p.Apply(ctx, p.documents[2].Name, p.documents[2].YAML)
	if err != nil {
		return err
	}
	if err := p.has("the plan", plan, "1 machines may be erased once: records-1"); err != nil {
		return err
	}
	p.holds("with the number, records-1 has a grant")
	if err := p.ready(ctx, "Records are set up"); err != nil {
		return err
	}
	return p.ready(ctx, "Too small is set up")
}

// has holds that a text says something.
func (p *play) has(what, text, want string) error {
	if !strings.Contains(text, want) {
		return fmt.Errorf("scenario %s: %s does not say %q but %q", p.scenario.Name, what, want, text)
	}
	return nil
}

// tooSmall holds that a machine with too small a disk keeps what stands there.
func (p *play) tooSmall(ctx context.Context, d *Deployment) error {
	err := p.eventually(ctx, 8*time.Minute, d.Target.Name+" fails", func(ctx context.Context) (bool, error) {
		return p.news(ctx, d), nil
	})
	if err != nil {
		return err
	}
	if last := d.Messages[len(d.Messages)-1]; last.ID != status.SequenceFailed {
		return fmt.Errorf("scenario %s: %s ended with message %d: %s", p.scenario.Name, d.Target.Name, last.ID, last.Output)
	}
	if err := p.said(d, "Partition Disk (UEFI)", status.ActionFailed, `image "debian-12"`, "it needs ", fmt.Sprintf("of disk 0: vda, %d MiB", smallDisk), "nothing was erased"); err != nil {
		return err
	}
	d.Machine.Kill()
	if err := p.unwritten(d); err != nil {
		return err
	}
	twin := filepath.Join(d.Machine.Dir(), "before.img")
	if err := fullDisk(twin, smallDisk<<20, smallHolds); err != nil {
		return err
	}
	before, err := osimage.Digest(twin)
	if err != nil {
		return err
	}
	after, err := osimage.Digest(filepath.Join(d.Machine.Dir(), "disk.img"))
	if err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("scenario %s: the disk of %s is not what it was: SHA-256 %s, was %s", p.scenario.Name, d.Target.Name, after, before)
	}
	p.holds("the disk of %s is byte for byte what it was: SHA-256 %.16s", d.Target.Name, after)
	return nil
}

// recorded holds what the machine with the MBR disk said, what simulating it says, and what its disk is.
func (p *play) recorded(ctx context.Context, d *Deployment) error {
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	if err := p.said(d, "Volumes", status.ActionCompleted, "/dev/vda1 xfs", "/dev/vda5 vfat", "/dev/vda2 partition"); err != nil {
		return err
	}
	if !slices.ContainsFunc(d.Messages, func(m status.Message) bool { return m.ID == status.GroupStarted && m.Group == "Prepare the disk" }) {
		return fmt.Errorf("scenario %s: no message says that the inner sequence began", p.scenario.Name)
	}
	if _, err := p.WaitConsole(ctx, d.Machine, 0, "post action of "+d.Target.Name, 2*time.Minute); err != nil {
		return fmt.Errorf("SMSTSPostAction: %w", err)
	}
	p.holds("SMSTSPostAction ran in the installed system of %s when the job's folder was gone", d.Target.Name)
	if err := p.simulated(ctx, d); err != nil {
		return err
	}
	plan, err := p.Apply(ctx, p.documents[3].Name, p.documents[3].YAML)
	if err != nil {
		return err
	}
	if err := p.has("the plan", plan, `the grants of advertisement "Records are set up" are for the earlier version`); err != nil {
		return err
	}
	p.holds("a change of the inner sequence makes the grants of the outer one those of an earlier version")
	if err := p.verified(ctx, d); err != nil {
		return err
	}
	return p.readBack(ctx, d, "dos", []volume{{kind: "xfs"}, {kind: "swap"}, {}, {kind: "vfat", file: "note.txt", holds: "blood group 0"}, {kind: "ntfs", file: "record.txt", holds: "blood group AB"}})
}

// imports makes a sequence of one that another site exported.
func (p *play) imports(ctx context.Context) error {
	p.show.Stage("A sequence of another site")
	file, err := p.keepFile("imported.xml", importedXML)
	if err != nil {
		return err
	}
	out, err := p.CLI(ctx, "--json", "sequence", "import", file, "--boot-image", bootImageName)
	if err != nil {
		return err
	}
	var got struct {
		YAML     string
		Warnings []struct{ Path, Text string }
	}
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("bootward sequence import: answer: %w", err)
	}
	for _, want := range []string{"SMS_TaskSequence_InstallApplicationAction are not known: it is kept, disabled", otherImage} {
		if err := p.has("the import", fmt.Sprint(got.Warnings), want); err != nil {
			return err
		}
	}
	p.holds("the import warns of the step that it does not know, which is kept and disabled, and of the image of the other site")
	if _, err := p.Apply(ctx, "imported.yaml", strings.ReplaceAll(got.YAML, otherImage, imageName)); err != nil {
		return err
	}
	if _, err := p.Apply(ctx, "imported-advertisement.yaml", importedAdvertisement); err != nil {
		return err
	}
	return p.ready(ctx, "Imported is set up")
}

// imported holds what a machine became by the imported sequence, and by the layout that variables gave it.
func (p *play) imported(ctx context.Context, d *Deployment) error {
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	if err := p.said(d, "Say who we are", status.ActionCompleted, "imported-1", "xfs System"); err != nil {
		return err
	}
	if err := p.said(d, "Install Application", status.ActionDisabled); err != nil {
		return err
	}
	if err := p.SwitchOff(d.Machine); err != nil {
		return err
	}
	return p.readBack(ctx, d, "gpt", []volume{{kind: "vfat"}, {kind: "swap"}, {kind: "xfs"}})
}
