package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/bootward/bootward/osd"
)

// Readiness says whether an advertised deployment could finish at a box if the
// line to the site were cut now.
type Readiness struct {
	Advertisement string `json:"advertisement"` // name
	ID            string `json:"id"`
	Sequence      string `json:"sequence"`
	Ready         bool   `json:"ready"`
	// Lacks says what is missing, one line each.
	Lacks []string `json:"lacks,omitempty"`
	// WithLine says that it could finish all the same as long as the line is up:
	// what lacks is fetched from the site meanwhile.
	WithLine bool `json:"withLine,omitempty"`
	// Machines is how many known computers it is for, Granted how many of them
	// hold a grant for its version, if it needs grants.
	Machines int `json:"machines"`
	Granted  int `json:"granted,omitempty"`
}

// Ready looks at every advertisement that has not ended. complete says whether a
// version of content is at the box, whole and verified.
func (e *Evaluator) Ready(complete func(manifest string) bool, now time.Time) []Readiness {
	members := map[string]int{}
	for _, c := range e.Computers() {
		for _, name := range e.Collections(c, nil, now).Names() {
			members[name]++
		}
	}
	var all []Readiness
	for _, a := range e.s.Advertisements {
		if a.Ended(now) {
			continue
		}
		r := Readiness{Advertisement: a.Name, ID: a.ID, Sequence: a.Sequence, Machines: members[a.Collection]}
		if seq := e.sequence(a.Sequence); seq == nil {
			r.Lacks = append(r.Lacks, "task sequence "+a.Sequence+" is not in the box's policy")
		} else {
			r.Lacks = append(e.Lacks(*seq, complete), e.lacksListed(*seq, a.Collection, complete, now)...)
			bootless := seq.BootImage == "" && a.To(osd.ToBootMediaAndPXE)
			if bootless {
				r.Lacks = append(r.Lacks, noBootImage(seq.Name))
			}
			r.WithLine = a.RemoteDistributionPoint && !bootless && len(r.Lacks) > 0 && len(e.Lacks(*seq, e.relayed(complete))) == 0 && len(e.lacksListed(*seq, a.Collection, e.relayed(complete), now)) == 0
			if a.IsMandatory() && seq.Destructive {
				r.Granted = e.granted(a.ID, seq.Digest, now)
			}
		}
		r.Ready = len(r.Lacks) == 0
		all = append(all, r)
	}
	return all
}

// Lacks lists what a sequence needs that is not at the box.
func (e *Evaluator) Lacks(seq Sequence, complete func(manifest string) bool) []string {
	var lacks []string
	need := func(kind, name, manifest string) {
		if manifest == "" {
			lacks = append(lacks, fmt.Sprintf("%s %s has no content; import it at the site", kind, name))
		} else if !complete(manifest) {
			lacks = append(lacks, fmt.Sprintf("%s %s is not complete at the box", kind, name))
		}
	}
	wanted := slices.Clone(seq.Content)
	if seq.BootImage != "" {
		wanted = append(wanted, seq.BootImage)
	}
	for _, id := range wanted {
		if kind, name, manifest, ok := e.content(id); ok {
			need(kind, name, manifest)
		} else {
			lacks = append(lacks, "content "+id+" is not in the box's policy")
		}
	}
	for _, name := range seq.Secrets {
		if !e.s.HasSecret(name) {
			lacks = append(lacks, NoSecret(name))
		}
	}
	return lacks
}

// relayed says what a box has, or can pass on from its site: every package and
// image, but no boot image.
func (e *Evaluator) relayed(complete func(manifest string) bool) func(string) bool {
	return func(manifest string) bool {
		for _, b := range e.s.BootImages {
			if b.Manifest == manifest {
				return complete(manifest)
			}
		}
		return true
	}
}

// content finds a package, an image or a boot image by its ID.
func (e *Evaluator) content(id string) (kind, name, manifest string, ok bool) {
	for _, p := range e.s.Packages {
		if p.ID == id {
			return "package", p.Name, p.Manifest, true
		}
	}
	for _, i := range e.s.Images {
		if i.ID == id {
			return "image", i.Name, i.Manifest, true
		}
	}
	for _, b := range e.s.BootImages {
		if b.ID == id {
			return "boot image", b.Name, b.Manifest, true
		}
	}
	return "", "", "", false
}

func (e *Evaluator) granted(advertisement, digest string, now time.Time) int {
	n := 0
	for i := range e.s.Grants {
		if g := &e.s.Grants[i]; g.Advertisement == advertisement && g.Sequence == digest && now.Before(g.ExpiresAt) {
			n++
		}
	}
	return n
}
