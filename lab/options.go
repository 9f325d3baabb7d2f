package lab

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/bootward/bootward/lab/machine"
)

// Options says what a run of the lab is to do. The zero value of a field is
// its default.
type Options struct {
	Kit   string // directory that scripts/kit made; build/kit
	Dir   string // what this run leaves behind; build/lab
	Cache string // what later runs may use again; build/cache
	Bin   string // directory of the programs; that of this program
	// Ward is the directory of the objects to apply; examples/ward.
	Ward string
	// Name names the network namespace, so that runs can stand side by side.
	Name string
	// BoxFirmware is bios or uefi; uefi.
	BoxFirmware string
	// BoxPXE is BesideDHCP or OnlyDHCP; BesideDHCP.
	BoxPXE string
	// Packages of Debian come into the image that is deployed, on top of what it has. An image with others is another
	// one in the cache.
	Packages []string
	// Modules of the kernel come into its initramfs in the same way.
	Modules []string
	// DHCPOptions are those of segment.Config.
	DHCPOptions []string
	// Targets are deployed one after the other; the computers of the ward.
	Targets []Target
	// BootOrder of the targets that name none; disk-first.
	BootOrder string
	// Scenario names what RunScenario plays.
	Scenario string
	// Keep leaves the machines running until the context ends.
	Keep bool
	// Attach names a machine: its console is the terminal of the run at the
	// end, with In for its keyboard. The machines are kept meanwhile.
	Attach string
	In     io.Reader
	// Since is when the work began, if that was before the run.
	Since time.Time
	// JSON prints events instead of a display.
	JSON bool
	// Out is where the run is shown; it must not be nil.
	Out io.Writer
}

// Target is one machine to be deployed.
type Target struct {
	Name     string // name of its computer
	Firmware string // one of machine.Firmwares
	MAC      string
	NIC      string // model; virtio
	Bus      string // of its disk; virtio
	UUID     string // SMBIOS GUID; none when empty
	Serial   string // SMBIOS serial number; SN-NAME when empty
	TPM      bool   // whether it has a TPM 2.0
	Display  bool   // whether it has a VGA card beside its serial port; BIOS only
	Boots    string // what its disk says when it boots; blank when empty
	DiskMiB  int64  // size of its disk; 6 GiB when 0
	Holds    string // what stands on its disk once in each MiB; blank when empty
	// Changes are the paths that its sequence makes or changes beside the image, as osimage.Compare takes them.
	Changes []string
	// BootOrder is disk-first or network-first; that of the options when empty.
	BootOrder string
}

// How the box stands in its segment: as interfaces[].pxe of its box.yaml says.
const (
	BesideDHCP = "proxy" // beside a DHCP server that knows nothing of network boot
	OnlyDHCP   = "dhcp"  // no other DHCP server
)

// Ward is the two computers of examples/ward.
func Ward() []Target {
	return []Target{
		{Name: "ward7-pc1", Firmware: machine.UEFI, MAC: "52:54:00:77:00:11"},
		{Name: "ward7-pc2", Firmware: machine.BIOS, MAC: "52:54:00:77:00:12"},
	}
}

// Choose keeps the targets of a firmware: bios, uefi or both.
func Choose(targets []Target, firmware string) ([]Target, error) {
	switch firmware {
	case "both":
		return targets, nil
	case machine.BIOS, machine.UEFI:
		return slices.DeleteFunc(slices.Clone(targets), func(t Target) bool { return t.Firmware != firmware }), nil
	}
	return nil, fmt.Errorf("firmware %q: want bios, uefi or both", firmware)
}

// withDefaults fills in what was left out, and makes paths absolute.
func (o Options) withDefaults(program string) (Options, error) {
	if o.Out == nil {
		return o, errors.New("lab: no output given")
	}
	o.Name = cmp.Or(o.Name, "bootward")
	o.BoxFirmware = cmp.Or(o.BoxFirmware, machine.UEFI)
	o.BoxPXE = cmp.Or(o.BoxPXE, BesideDHCP)
	o.BootOrder = cmp.Or(o.BootOrder, machine.DiskFirst)
	if len(o.Targets) == 0 {
		o.Targets = Ward()
	}
	for _, p := range []struct {
		path *string
		def  string
	}{
		{&o.Kit, "build/kit"}, {&o.Dir, "build/lab"}, {&o.Cache, "build/cache"},
		{&o.Ward, "examples/ward"}, {&o.Bin, filepath.Dir(program)},
	} {
		abs, err := filepath.Abs(cmp.Or(*p.path, p.def))
		if err != nil {
			return o, fmt.Errorf("lab: path %q: %w", *p.path, err)
		}
		*p.path = abs
	}
	return o, nil
}
