package sequence

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd"
)

var (
	sizeForm  = regexp.MustCompile(`^[0-9]+(\.[0-9]+)? ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)
	shareForm = regexp.MustCompile(`^([1-9][0-9]?|100)%$`)
)

func (p *PartitionDisk) check(c *checker) {
	if p.Disk < 0 || p.Disk > 99 {
		c.fail("disk", fmt.Sprint(p.Disk), "give the number of the disk, from 0")
	}
	if p.Select != nil {
		c.selector(p.Select, p.Disk)
	}
	most := 128
	switch p.Style {
	case "gpt":
	case "mbr":
		most = 4
	default:
		c.fail("style", p.Style, "give gpt or mbr")
	}
	if len(p.Volumes) == 0 || len(p.Volumes) > most {
		c.fail("volumes", fmt.Sprint(len(p.Volumes)), "give 1 to %d volumes", most)
	}
	for i, v := range p.Volumes {
		c.volume(fmt.Sprintf("volumes[%d]", i), p.Style, v)
	}
}

// buses are those that the agent tells apart; ata is SATA too.
var buses = []string{"ata", "nvme", "scsi", "virtio", "mmc", "hyperv", "xen"}

func (c *checker) selector(s *Select, disk int) {
	if disk != 0 {
		c.fail("disk", fmt.Sprint(disk), "give disk or select, not both")
	}
	if *s == (Select{}) {
		c.fail("select", "", "give at least one of bus, model, minSize and maxSize")
	}
	if s.Bus != "" && !slices.Contains(buses, s.Bus) {
		c.fail("select.bus", s.Bus, "give one of %s; disks on other buses are never taken", strings.Join(buses, ", "))
	}
	for field, v := range map[string]string{"select.minSize": s.MinSize, "select.maxSize": s.MaxSize} {
		if v != "" && !sizeForm.MatchString(v) {
			c.fail(field, v, "give a number with its unit, such as 100GiB")
		}
	}
}

func (c *checker) volume(field, style string, v Volume) {
	switch v.Type {
	case "efi", "primary", "recovery":
	case "biosBoot", "msr":
		if style == "mbr" {
			c.fail(field+".type", v.Type, "exists on gpt disks only")
		}
	default:
		c.fail(field+".type", v.Type, "give efi, biosBoot, primary, msr or recovery")
	}
	if !sizeForm.MatchString(v.Size) && !shareForm.MatchString(v.Size) {
		c.fail(field+".size", v.Size, "give a number with its unit, such as 256MiB, or a share of the rest, such as 100%%")
	}
	switch {
	case !slices.Contains([]string{"", "fat32", "ext4", "swap", "ntfs"}, v.FileSystem):
		c.fail(field+".fileSystem", v.FileSystem, "give fat32, ext4, swap or ntfs, or leave it out")
	case v.Type == "efi" && v.FileSystem != "fat32":
		c.fail(field+".fileSystem", v.FileSystem, "firmware reads only fat32 on an efi volume")
	case (v.Type == "biosBoot" || v.Type == "msr") && v.FileSystem != "":
		c.fail(field+".fileSystem", v.FileSystem, "a volume of type %s holds none; leave it out", v.Type)
	}
	if most := map[string]int{"fat32": 11, "ext4": 16, "swap": 16, "ntfs": 32}[v.FileSystem]; most > 0 && len(v.Name) > most || len(v.Name) > 36 {
		c.fail(field+".name", v.Name, "a label of this file system is shorter: fat32 11, ext4 16, ntfs 32 bytes; without one 36")
	}
	if v.Variable != "" {
		c.name(field+".variable", v.Variable)
	}
}

func (a *ApplyOperatingSystem) check(c *checker) {
	if a.Image == "" {
		c.fail("image", "", "name the image")
	}
	if a.Index < 0 {
		c.fail("index", fmt.Sprint(a.Index), "images in a WIM count from 1")
	}
	if a.To == "" {
		c.fail("to", "", `name the volume by its variable, such as "%%OSDisk%%"`)
	}
}

func (a *ApplyNetworkSettings) check(c *checker) {
	if len(a.Workgroup) > 15 || strings.ContainsAny(a.Workgroup, "\"/\\[]:;|=,+*?<>\n") {
		c.fail("workgroup", a.Workgroup, "give at most 15 characters, none of them punctuation")
	}
	for i, ad := range a.Adapters {
		c.adapter(fmt.Sprintf("adapters[%d]", i), ad)
	}
}

func (c *checker) adapter(field string, a Adapter) {
	if _, err := osd.NormalizeMAC(a.MAC); a.MAC != "" && err != nil && !strings.Contains(a.MAC, "%") {
		c.fail(field+".mac", a.MAC, "give six bytes in hexadecimal, such as 52:54:00:12:34:56")
	}
	if a.DHCP == (len(a.Addresses) > 0) {
		c.fail(field, "", "give dhcp: true or addresses, exactly one of them")
	}
	for i, s := range a.Addresses {
		if _, err := netip.ParsePrefix(s); err != nil && !strings.Contains(s, "%") {
			c.fail(fmt.Sprintf("%s.addresses[%d]", field, i), s, "give an address with its prefix length, such as 10.1.2.3/24")
		}
	}
	for name, list := range map[string][]string{"gateways": a.Gateways, "dnsServers": a.DNSServers} {
		for i, s := range list {
			if _, err := netip.ParseAddr(s); err != nil && !strings.Contains(s, "%") {
				c.fail(fmt.Sprintf("%s.%s[%d]", field, name, i), s, "give an address, such as 10.1.2.1")
			}
		}
	}
}

func (s *SetTaskSequenceVariable) check(c *checker) {
	c.name("variable", s.Variable)
	if len(s.Value) > maxValue {
		c.fail("value", shorten(s.Value), "give at most %d bytes", maxValue)
	}
	if len(s.Secrets) > 0 {
		c.fail("secrets", "", "the variable would outlive the step: name the secret at the step that uses it")
	}
}

func (r *RunCommandLine) check(c *checker) {
	if strings.TrimSpace(r.Command) == "" || strings.ContainsRune(r.Command, 0) {
		c.fail("command", r.Command, "give the command")
	}
	if r.OutputVariable != "" {
		c.name("outputVariable", r.OutputVariable)
	}
	c.commandSecrets(r)
}

func (r *RestartComputer) check(c *checker) {
	switch r.To {
	case ToInstalledOS:
	case ToBootImage:
		c.fail("to", r.To, "this version restarts into the installed system only: give installedOS")
	default:
		c.fail("to", r.To, "give installedOS")
	}
	if r.Delay > Duration(24*60*60*1e9) {
		c.fail("delay", fmt.Sprint(r.Delay), "give at most 24h")
	}
}

func (s *SetupOperatingSystem) check(c *checker) {
	if s.Retry != nil {
		c.fail("retry", "", "the step restarts the machine; leave retry out")
	}
}
