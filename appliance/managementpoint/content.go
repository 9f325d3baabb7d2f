package managementpoint

import (
	"fmt"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// dropIncomplete moves offers whose boot image or content is not here to the
// refusals.
func (p *Point) dropIncomplete(e *policy.Evaluator, d *policy.Decision) {
	d.Offers = slices.DeleteFunc(d.Offers, func(o policy.Offer) bool {
		why := p.lacks(e.Snapshot(), withListed(e, o.Sequence, d), o.Advertisement.RemoteDistributionPoint)
		if why != "" {
			d.Refusals = append(d.Refusals, policy.Refusal{Advertisement: o.Advertisement.Name, Why: why})
		}
		return why != ""
	})
}

// lacks says in words what a sequence needs that this box does not hold. With
// relay, packages and images may come from the site meanwhile.
func (p *Point) lacks(s *policy.Snapshot, q policy.Sequence, relay bool) string {
	for _, c := range contentOf(s, q) {
		if c.Manifest == "" {
			return fmt.Sprintf("%s %s has no content; import it at the site", c.Kind, c.Name)
		}
		if !p.Complete(c.Manifest) {
			if relay && p.lineUp() {
				continue
			}
			if relay {
				return fmt.Sprintf("the content of %s %s is not complete at this box yet, and the line to the site is down", c.Kind, c.Name)
			}
			return fmt.Sprintf("the content of %s %s is not complete at this box yet", c.Kind, c.Name)
		}
	}
	for _, id := range q.Content {
		if !slices.ContainsFunc(contentOf(s, q), func(c api.JobContent) bool { return c.ID == id }) {
			return "content " + id + " is not in this box's policy"
		}
	}
	for _, name := range q.Secrets {
		if !s.HasSecret(name) {
			return policy.NoSecret(name)
		}
	}
	if q.BootImage == "" {
		return "" // policy offers it to running clients alone
	}
	i := slices.IndexFunc(s.BootImages, func(b osd.BootImage) bool { return b.ID == q.BootImage })
	if i < 0 {
		return "boot image " + q.BootImage + " is not in this box's policy"
	}
	if b := s.BootImages[i]; !p.Complete(b.Manifest) {
		return "boot image " + b.Name + " is not complete at this box yet"
	}
	return ""
}

// withListed is a sequence whose content is also what variables of the machine list for it.
func withListed(e *policy.Evaluator, q policy.Sequence, d *policy.Decision) policy.Sequence {
	packages, _ := e.Listed(&q, e.Variables(d)) // with faults nothing is offered
	q.Content = slices.Clone(q.Content)
	for _, one := range packages {
		if !slices.Contains(q.Content, one.ID) {
			q.Content = append(q.Content, one.ID)
		}
	}
	return q
}

// contentOf lists the packages and images that a sequence uses.
func contentOf(s *policy.Snapshot, q policy.Sequence) []api.JobContent {
	var all []api.JobContent
	for _, c := range s.Packages {
		if slices.Contains(q.Content, c.ID) {
			all = append(all, api.JobContent{ID: c.ID, Name: c.Name, Kind: string(osd.KindPackage), Manifest: c.Manifest, Bytes: c.Bytes, Programs: c.Programs})
		}
	}
	for _, c := range s.Images {
		if slices.Contains(q.Content, c.ID) {
			all = append(all, api.JobContent{ID: c.ID, Name: c.Name, Kind: string(osd.KindImage), Manifest: c.Manifest, File: c.File, Bytes: c.Bytes})
		}
	}
	return all
}
