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
	run     func(context.Context, *play) error
	// packages of Debian that the operating system image has beyond the lab's own.
	packages []string
}

// Scenarios lists the scenarios, in the order in which a site should try them.
func Scenarios() []Scenario {
	return []Scenario{
		{"new-system", "a known machine with a blank disk is deployed by PXE and reports from inside", BesideDHCP, newSystem, nil},
		{"unknown-approval", "a person at an unknown machine chooses; nothing is written until an administrator approves the code", BesideDHCP, unknownApproval, nil},
		{"wrong-advertisement", "an advertisement reaches everybody by mistake: the box stops, and no disk is written", BesideDHCP, wrongAdvertisement, nil},
		{"cut-line", "the line to the site is cut: the deployment ends, and its messages arrive once, in order", BesideDHCP, cutLine, nil},
		{"running-client", "the agent stays in the deployed system and runs there what is advertised to running clients", BesideDHCP, runningClient, nil},
		{"tpm", "a machine that was approved once proves its TPM and needs nobody; one with its labels and another TPM waits", BesideDHCP, knownTPM, nil},
		{"twin-guid", "two machines with one SMBIOS GUID: the second is refused with an alarm", BesideDHCP, twinGUID, nil},
		{"secure-boot", "a machine with Secure Boot on is deployed by the signed chain, at a box that is the segment's only DHCP server, and boots its disk by it", OnlyDHCP, secureBoot, nil},
		{"network-first", "machines that boot from the network first reach their disks: silent, aborted, nobody at F12, a mandatory run that is done once", BesideDHCP, networkFirst, nil},
		{"settings", "a machine takes a file from a share, gets time zone, locale, owner and root's password, and its settings are captured again", BesideDHCP, settings, nil},
		{"every-step", "a machine is deployed by steps of each kind: volumes, data, packages, updates, sequences that run others", BesideDHCP, everyStep, nil},
		{"encrypted", "a machine with its system on an encrypted volume is deployed unattended; from then on it asks for the passphrase", BesideDHCP, encrypted, []string{"cryptsetup-initramfs"}},
		{"retry", "a deployment fails twice, and goes on at the step that failed: an administrator wants it, then a person at the machine", BesideDHCP, retried, nil},
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
	o.BoxPXE, o.Packages = s.pxe, s.packages
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
