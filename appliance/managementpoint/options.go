package managementpoint

import (
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// withOptions puts what an advertisement says of content and screen, and its boot image of
// a shell, into the document of its job.
func withOptions(j *api.Job, s *policy.Snapshot, a *osd.Advertisement) {
	j.Download, j.HideProgress, j.Organisation = a.Downloads(), !a.ShowsProgress(), s.Settings.Organisation
	j.CommandSupport = s.CommandSupport(j.Sequence.BootImage)
	for i := range j.Content {
		j.Content[i].Remote = a.RemoteDistributionPoint
	}
}

// lineUp says whether the site answers now.
func (p *Point) lineUp() bool { return p.LineUp != nil && p.LineUp() }
