package lab

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// documents holds the objects of the scenarios: NAME/*.yaml.
//
//go:embed scenarios
var documents embed.FS

// Scenario is one situation of a ward that the isolated lab tries: what happens
// to machines when all goes well, when somebody is mistaken, when the line is
// down.
type Scenario struct {
	Name    string // of the command line: small letters and hyphens
	Summary string // one line
	pxe     string // Options.BoxPXE
	// Options.Packages, Options.Modules and Options.DHCPOptions
	packages, modules, dhcp []string
	run                     func(context.Context, *play) error
}

// Scenarios lists the scenarios, in the order in which a site should try them.
func Scenarios() []Scenario {
	return []Scenario{
		{Name: "new-system", Summary: "a known machine with a blank disk is deployed by PXE and reports from inside", run: newSystem},
		{Name: "unknown-approval", Summary: "a person at an unknown machine chooses; nothing is written until an administrator approves the code", run: unknownApproval},
		{Name: "wrong-advertisement", Summary: "an advertisement reaches everybody by mistake: the box stops, and no disk is written", run: wrongAdvertisement},
		{Name: "cut-line", Summary: "the line to the site is cut: the deployment ends, and its messages arrive once, in order", run: cutLine},
		{Name: "running-client", Summary: "the agent stays in the deployed system and runs there what is advertised to running clients", run: runningClient},
		{Name: "tpm", Summary: "a machine that was approved once proves its TPM and needs nobody; one with its labels and another TPM waits", run: knownTPM},
		{Name: "twin-guid", Summary: "two machines with one SMBIOS GUID: the second is refused with an alarm", run: twinGUID},
		{Name: "secure-boot", Summary: "a machine with Secure Boot on is deployed by the signed chain, at a box that is the segment's only DHCP server, and boots its disk by it", pxe: OnlyDHCP, run: secureBoot},
		{Name: "network-first", Summary: "machines that boot from the network first reach their disks: silent, aborted, nobody at F12, a mandatory run that is done once", run: networkFirst},
		{Name: "settings", Summary: "a machine takes a file from a share, gets time zone, locale, owner and root's password, and its settings are captured again", run: settings},
		{Name: "every-step", Summary: "a machine is deployed by steps of each kind: volumes, data, packages, updates, sequences that run others", run: everyStep},
		{Name: "retry", Summary: "a deployment fails twice, and goes on at the step that failed: an administrator wants it, then a person at the machine", run: retried},
		{Name: "join-domain", Summary: "a machine joins an Active Directory domain, which Debian's Samba is, and knows its users from then on", packages: memberPackages(), dhcp: controllerDHCP(), run: joinDomain},
		{Name: "disks", Summary: "machines get MBR and GPT disks with XFS, also by an imported and by an inner sequence; one whose disk is too small keeps it", packages: []string{"xfsprogs"}, modules: []string{"xfs"}, run: disks},
		{Name: "wizard", Summary: "a person goes through every page: network, name, questions, summary, a failure, a shell, a retry; another uses screen and keyboard, and one machine is left alone", run: wizardPages},
		{Name: "box-away", Summary: "the box loses its cable, then its power, while an image is applied, and comes back elsewhere: the machine waits and goes on", run: boxAway},
		{Name: "encrypted", Summary: "a machine with its system on an encrypted volume is deployed unattended; from then on it asks for the passphrase", packages: []string{"cryptsetup-initramfs"}, run: encrypted},
		{Name: "power-cuts", Summary: "a machine loses its power while its image is applied and in steps of its installed system; a step prints a gigabyte, another does not end", run: powerCuts},
	}
}

// ScenarioNames lists the names of the scenarios.
func ScenarioNames() []string {
	var names []string
	for _, s := range Scenarios() {
		names = append(names, s.Name)
	}
	return names
}

// FindScenario finds a scenario; the error for another name lists them.
func FindScenario(name string) (Scenario, error) {
	all := Scenarios()
	if i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name }); i >= 0 {
		return all[i], nil
	}
	return Scenario{}, fmt.Errorf("there is no scenario %q: give one of %s", name, strings.Join(ScenarioNames(), ", "))
}

// Document is a YAML file of a scenario.
type Document struct {
	Name, YAML string
	// Refused says that the site must refuse it. The file's name ends so.
	Refused bool
}

// Documents lists the files of the scenario in the order in which they are put
// in place, on top of the objects of the ward. A scenario may have none.
func (s Scenario) Documents() ([]Document, error) {
	entries, err := documents.ReadDir(path.Join("scenarios", s.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it works with the objects of the ward
	}
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	var all []Document
	for _, e := range entries { // sorted by name
		if path.Ext(e.Name()) != ".yaml" {
			continue // what the scenario itself imports
		}
		b, err := documents.ReadFile(path.Join("scenarios", s.Name, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
		}
		all = append(all, Document{e.Name(), string(b), strings.HasSuffix(e.Name(), "-refused.yaml")})
	}
	return all, nil
}

// RunScenario plays the scenario that the options name, from nothing: its own
// site, ward and box. It returns nil only if everything was as it must be.
func RunScenario(ctx context.Context, o Options) (err error) {
	begun := time.Now()
	s, err := FindScenario(o.Scenario)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	o.BoxPXE, o.Packages, o.Modules, o.DHCPOptions = s.pxe, s.packages, s.modules, s.dhcp
	l, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	p := &play{Lab: l, scenario: s, begun: begun}
	err = p.run(ctx)
	l.show.Done(err)
	if !o.JSON {
		l.Places(o.Out, p.names())
		printScenario(o.Out, s, p.held, time.Since(begun), err)
	}
	if err == nil && (o.Keep || o.Attach != "") {
		return p.keep(ctx)
	}
	return err
}

// printScenario prints what was found to hold, when, and how the scenario ended.
func printScenario(w io.Writer, s Scenario, held []finding, took time.Duration, err error) {
	result := "passed"
	if err != nil {
		result = "FAILED"
	}
	fmt.Fprintf(w, "\n| scenario | what holds | after, s |\n|---|---|---|\n")
	for _, h := range held {
		fmt.Fprintf(w, "| %s | %s | %.0f |\n", s.Name, h.text, h.at.Seconds())
	}
	fmt.Fprintf(w, "| %s | %s: %s | %.0f |\n", s.Name, result, s.Summary, took.Seconds())
}
