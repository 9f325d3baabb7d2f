package site

import "github.com/bootward/bootward/osd"

// checkRunningClients refuses to advertise to running clients alone what erases a
// disk, and says when no machine would ask.
func (p *plan) checkRunningClients() {
	for _, s := range p.steps {
		a, ok := s.Object.(*osd.Advertisement)
		if !ok || !a.To(osd.ToRunningClients) {
			continue
		}
		q := p.world.sequence(a.Sequence)
		switch erases := q != nil && q.Destructive(); {
		case erases && !a.To(osd.ToBootMediaAndPXE):
			p.errs = append(p.errs, s.fault("availableTo", "add bootMediaAndPXE, and boot the machines from the network",
				"task sequence %q erases a disk, and running clients erase nothing", a.Sequence))
		case erases:
			s.note("running clients do not run it, since it erases a disk: machines that boot from the network do")
		case !p.world.settings().ClientAgent:
			s.note("no machine asks for it while it runs: set clientAgent in the SiteSettings; machines that are deployed from then on have a client")
		}
	}
}
