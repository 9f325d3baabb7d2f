package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// volumeVariables: the variable that names the volume of an image is set by a step before.
func volumeVariables(l *linter) {
	set := map[string]bool{}
	for name := range l.known {
		set[name] = true
	}
	for name := range l.sequence.Variables {
		set[strings.ToLower(name)] = true
	}
	for _, n := range l.nodes {
		if n.step() == nil {
			continue
		}
		if n.step().Type() == sequence.TypeRunTaskSequence { // it may set any
			return
		}
		to, ok := destination(n.step())
		if ok {
			l.volumeVariable(n, to, set)
		}
		for _, name := range sets(n.step()) {
			set[strings.ToLower(name)] = true
		}
	}
}

func destination(s sequence.Step) (string, bool) {
	switch s := s.(type) {
	case *sequence.ApplyOperatingSystem:
		return s.To, true
	case *sequence.ApplyDataImage:
		return s.To, true
	}
	return "", false
}

func (l *linter) volumeVariable(n *node, to string, set map[string]bool) {
	names := namesIn(to)
	if len(names) == 0 {
		l.add("volume", Warning, n, "to", fmt.Sprintf("%q is a device by its name: names differ from machine to machine", to), `give the volume a variable in partitionDisk, and write "%OSDisk%"`)
		return
	}
	for _, name := range names {
		if !set[strings.ToLower(name)] {
			l.add("volume", Error, n, "to", fmt.Sprintf("no step before it sets %s: there is no volume to write to", name), "give a volume of partitionDisk `variable: "+name+"`, before this step")
		}
	}
}

// bootVolumes: a disk with an operating system needs what firmware starts from.
func bootVolumes(l *linter) {
	system := l.systemVolumes()
	for _, n := range l.nodes {
		p, ok := n.step().(*sequence.PartitionDisk)
		if !ok || !slices.ContainsFunc(p.Volumes, func(v sequence.Volume) bool { return system[strings.ToLower(v.Variable)] }) {
			continue
		}
		has := func(t string) bool {
			return slices.ContainsFunc(p.Volumes, func(v sequence.Volume) bool { return v.Type == t })
		}
		uefi, bios := n.firmware()
		switch {
		case p.Style == "gpt" && !has("efi") && !has("biosBoot"):
			l.add("boot-volume", Warning, n, "volumes", "the disk takes an operating system, and no firmware starts from it", "add {type: efi, size: 256MiB, fileSystem: fat32} for UEFI, or {type: biosBoot, size: 1MiB} for BIOS")
		case uefi && !has("efi"):
			l.add("boot-volume", Warning, n, "volumes", "the step is for UEFI machines, which start from a volume of type efi", "add {type: efi, size: 256MiB, fileSystem: fat32}")
		case bios && p.Style == "gpt" && !has("biosBoot"):
			l.add("boot-volume", Warning, n, "volumes", "the step is for BIOS machines, whose boot loader needs a place on a gpt disk", "add {type: biosBoot, size: 1MiB}, or write style: mbr")
		}
	}
}

// diskIndex: OSDDiskIndex is of all partition steps, and would lead one to the disk that another has made.
func diskIndex(l *linter) {
	named := func(name string) bool { return strings.EqualFold(name, "OSDDiskIndex") }
	set := l.known["osddiskindex"] || slices.ContainsFunc(l.sequence.Questions, func(q sequence.Question) bool { return named(q.Variable) })
	for name, value := range l.sequence.Variables {
		set = set || named(name) && value != ""
	}
	var before *node // the step before that partitions by this value
	for _, n := range l.nodes {
		switch s := n.step().(type) {
		case nil:
		case *sequence.RunTaskSequence: // it may set any
			before = nil
		case *sequence.PartitionDisk:
			if !set || s.Select != nil {
				continue
			}
			if before != nil {
				l.otherDisk(before, n)
			}
			before = n
		default:
			if slices.ContainsFunc(sets(s), named) {
				v, one := s.(*sequence.SetTaskSequenceVariable)
				set, before = !one || v.Value != "", nil
			}
		}
	}
}

// otherDisk tells of two steps for different disks, of which a machine may run both.
func (l *linter) otherDisk(before, n *node) {
	first, second := before.step().(*sequence.PartitionDisk).Disk, n.step().(*sequence.PartitionDisk).Disk
	if never, _ := contradiction(slices.Concat(before.demands(), n.demands())); first == second || never != nil {
		return
	}
	l.add("disk-index", Warning, n, "disk", fmt.Sprintf("where OSDDiskIndex is set it is the disk of this step and of %q, which name the disks %d and %d: this one fails", before.Name(), second, first),
		"set OSDDiskIndex to nothing before this step, or have a variable for each")
}

// systemVolumes are the variables, in lower case, that name the volumes of operating systems.
func (l *linter) systemVolumes() map[string]bool {
	all := map[string]bool{}
	for _, n := range l.nodes {
		if a, ok := n.step().(*sequence.ApplyOperatingSystem); ok {
			for _, name := range namesIn(a.To) {
				all[strings.ToLower(name)] = true
			}
		}
	}
	return all
}

// firmware says whether conditions leave one kind of firmware alone.
func (n *node) firmware() (uefi, bios bool) {
	for _, a := range n.demands() {
		if strings.EqualFold(a.Variable, "_SMSTSBootUEFI") && a.Equals != nil {
			uefi, bios = uefi || strings.EqualFold(*a.Equals, "true"), bios || strings.EqualFold(*a.Equals, "false")
		}
	}
	return uefi, bios
}

var used = regexp.MustCompile(`%([A-Za-z_][A-Za-z0-9_.-]{0,254})%`)

// namesIn are the variables that a text names.
func namesIn(text string) []string {
	var names []string
	for _, m := range used.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}
