package site

import (
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// checkBootImages refuses to advertise to machines that boot from the network or
// from media, and to nobody else, what no boot image runs.
func (p *plan) checkBootImages() {
	for _, s := range p.steps {
		if q, ok := s.Object.(*sequence.Sequence); ok && q.BootImage == "" && s.action == actionUpdate {
			p.noteBootless(s, q)
		}
		a, ok := s.Object.(*osd.Advertisement)
		if !ok || !a.To(osd.ToBootMediaAndPXE) {
			continue
		}
		switch q := p.world.runs(a.Sequence); {
		case q != nil && p.world.agentless(q.BootImage):
			p.checkAgentless(s, a, q)
		case q == nil || q.BootImage != "":
		case q.Destructive() || !a.To(osd.ToRunningClients):
			p.errs = append(p.errs, s.fault("sequence", "write bootImage into the task sequence; what erases nothing can go to running clients instead: availableTo: [runningClients]",
				"task sequence %q names no boot image, so no machine can boot into it", a.Sequence))
		default:
			s.note("task sequence %q names no boot image: running clients run it, machines that boot from the network or from media do not", a.Sequence)
		}
	}
}

// noteBootless tells of advertisements that were taken before a sequence lost its
// boot image.
func (p *plan) noteBootless(s *step, q *sequence.Sequence) {
	for _, a := range all[*osd.Advertisement](p.world, osd.KindAdvertisement) {
		if a.Sequence == q.Name && a.To(osd.ToBootMediaAndPXE) && p.seen[objectKey{osd.KindAdvertisement, a.Name}] == nil {
			s.note("it names no boot image: %s sends machines that boot from the network or from media nothing any more", p.world.named(a))
		}
	}
}

// checkRunningClients refuses to advertise to running clients alone what erases a
// disk, and says when no machine would ask.
func (p *plan) checkRunningClients() {
	for _, s := range p.steps {
		a, ok := s.Object.(*osd.Advertisement)
		if !ok || !a.To(osd.ToRunningClients) {
			continue
		}
		q := p.world.runs(a.Sequence)
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
