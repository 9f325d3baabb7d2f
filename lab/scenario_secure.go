package lab

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/lab/machine"
)

// lockedDown is what Debian's kernel says at its start when Secure Boot is on. That of
// the boot image is quiet: there the agent says it, by the firmware's variable.
const (
	lockedDown = `secureboot: Secure boot enabled`
	agentFound = `copy the signed shim and GRUB: Secure Boot is on`
)

// secureBoot deploys a machine whose firmware starts nothing that is not signed, neither
// from the network nor from its disk, and that asks the network first each time.
func secureBoot(ctx context.Context, p *play) error {
	from := len(p.box.Serial())
	target := Ward()[0]
	target.Firmware, target.BootOrder = machine.UEFISecure, machine.NetworkFirst
	d, err := p.start(ctx, target)
	if err != nil {
		return err
	}
	line, err := p.WaitConsole(ctx, d.Machine, 0, `started /bin/bootward-agent`, 4*time.Minute)
	if err != nil {
		return err
	}
	p.holds("the firmware started the signed chain: the agent runs %.1f s after power-on", line.At.Seconds())
	if err := p.loaded(from, "shimx64.efi", "grubx64.efi", "grub.cfg", "vmlinuz", "initrd"); err != nil {
		return err
	}
	if line, err = p.WaitConsole(ctx, d.Machine, line.N, agentFound, deployDeadline); err != nil {
		return err
	}
	p.holds("the agent says %q", agentFound)
	if err := p.arrives(ctx, d); err != nil {
		return err
	}
	return p.bootsItsDisk(ctx, d, from, line.N)
}

// loaded holds that the box sent boot files by TFTP, in this order.
func (p *play) loaded(from int, names ...string) error {
	all := p.Sent(from)
	if name := lacks(all, names...); name != "" {
		return fmt.Errorf("scenario %s: the box did not send %s in its turn: %s", p.scenario.Name, name, strings.Join(all, "\n"))
	}
	p.holds("the box sent %s by TFTP, in this order", strings.Join(names, ", "))
	return nil
}

// lacks is the first of the names that lines of TFTP transfers do not show in its turn,
// "" if they show all.
func lacks(lines []string, names ...string) string {
	for _, name := range names {
		sent := regexp.MustCompile(`"tftp transfer".*[ /=]` + regexp.QuoteMeta(name) + `"? `)
		i := slices.IndexFunc(lines, sent.MatchString)
		if i < 0 {
			return name
		}
		lines = lines[i+1:]
	}
	return ""
}

// bootsItsDisk holds that the machine, which asked the network first, went on to its
// disk once it was deployed, and with Secure Boot on.
func (p *play) bootsItsDisk(ctx context.Context, d *Deployment, boxFrom, from int) error {
	disk, err := p.WaitConsole(ctx, d.Machine, from, `BdsDxe: starting Boot[0-9A-F]+ "UEFI (Misc|Non-Block Boot) Device"`, time.Minute)
	if err != nil {
		return fmt.Errorf("the firmware did not start the disk of %s: %w", d.Target.Name, err)
	}
	if _, err := p.WaitConsole(ctx, d.Machine, disk.N, lockedDown, time.Minute); err != nil {
		return fmt.Errorf("the installed system does not say that Secure Boot is on: %w", err)
	}
	p.holds("it asked the network first again and went on to its disk; the kernel of the installed system says %q", lockedDown)
	opened := 0
	for _, l := range p.box.Serial()[boxFrom:] {
		if strings.Contains(l.Text, `msg="job opened"`) {
			opened++
		}
	}
	if opened != 1 {
		return fmt.Errorf("scenario %s: %d jobs were opened, want one", p.scenario.Name, opened)
	}
	p.holds("the mandatory run began once")
	return p.verified(ctx, d)
}
