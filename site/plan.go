package site

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
)

// The actions of a plan.
const (
	actionCreate    = "create"
	actionUpdate    = "update"
	actionUnchanged = "unchanged"
	actionDelete    = "delete"
)

// step is what happens to one object.
type step struct {
	written
	was    osd.Object // nil for a new object
	action string
	notes  []string
}

func (p *step) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// objectKey names an object.
type objectKey struct {
	kind osd.Kind
	name string
}

// plan is what a change does: the objects as they will be, and the world with
// them. Making it changes nothing.
type plan struct {
	gone  []osd.Object // deleted before the steps
	steps []*step
	// last writes what belongs to the steps and is no object, once they have
	// their IDs; nil: nothing.
	last  func() error
	seen  map[objectKey]*step
	world world
	errs  document.Errors
	// typed is the number of machines that a person typed for advertisements to
	// every machine there is; nil if he typed none.
	typed *int
	// refused says that all of errs are refusals: the documents are right,
	// but safety says no.
	refused bool
	// forbidden says that a right is missing: errs tell of nothing else.
	forbidden bool
}

// makePlan merges what was written into the world and checks the whole.
func makePlan(w world, objects []written) *plan {
	p := &plan{world: w.clone(), seen: map[objectKey]*step{}}
	for _, o := range objects {
		p.add(w, o)
	}
	slices.SortStableFunc(p.steps, func(a, b *step) int {
		return cmp.Compare(slices.Index(osd.Kinds(), a.ObjectKind()), slices.Index(osd.Kinds(), b.ObjectKind()))
	})
	if p.authorize(w); len(p.errs) > 0 {
		return p
	}
	p.checkReferences()
	p.checkNested()
	p.checkPrograms()
	p.checkUnique()
	p.checkFormer()
	p.checkCollections()
	p.checkRunningClients()
	p.checkBootImages()
	p.checkF12()
	p.checkCommandSupport()
	p.checkQuestions()
	p.checkArchitectures()
	return p
}

// add puts one object into the planned world.
func (p *plan) add(old world, o written) {
	k, m := o.ObjectKind(), meta(o.Object)
	if other, ok := p.seen[objectKey{k, m.Name}]; ok {
		p.errs = append(p.errs, o.fault("name", "name each object once, or remove one of them", "is there twice, also in %s", other.file))
		return
	}
	was := old.kinds[k][m.Name]
	if m.ID != "" && (was == nil || meta(was).ID != m.ID) {
		was = old.byID(k, m.ID)
		if was == nil || !old.can(osd.See, was) {
			p.errs = append(p.errs, o.fault("id", "leave it out: the site gives ids", "there is no %s %s", k, m.ID))
			return
		}
	}
	s := &step{written: o, was: was, action: actionCreate}
	if was != nil {
		m.ID = meta(was).ID
		keepContent(o.Object, was)
		s.keepTPM()
		s.action = actionUpdate
		if equal(o.Object, was) {
			s.action = actionUnchanged
		}
		delete(p.world.kinds[k], was.ObjectName())
		if k == osd.KindBox && was.ObjectName() != m.Name {
			s.note("its certificates bear the name %q: enrol the box again", was.ObjectName())
		}
		if k == osd.KindPerson && was.ObjectName() != m.Name {
			p.world.credentials = tokensOnly(p.world.credentials, m.ID)
			s.note("tokens stay good; certificates bear the name %q and are void: make new ones with: bootward person certificate %s", was.ObjectName(), m.Name)
		}
	}
	p.world.kinds[k][m.Name] = o.Object
	p.steps, p.seen[objectKey{k, m.Name}] = append(p.steps, s), s
	if c := contentOf(o.Object); c != nil && c.Manifest == "" {
		s.note("it has no content yet: import it before a sequence can run that uses it")
	}
}

// keepContent carries over what an import or a merge set and YAML left out.
func keepContent(o, was osd.Object) {
	if c, old := contentOf(o), contentOf(was); c != nil && c.Manifest == "" {
		*c = *old
	}
	if d := distributionOf(o); d != nil && d.Boxes == nil {
		*d = *distributionOf(was)
	}
	switch o := o.(type) {
	case *osd.Computer:
		if o.Former == nil {
			o.Former = was.(*osd.Computer).Former // its history, which nobody types
		}
	case *osd.Package:
		o.Version = cmp.Or(o.Version, was.(*osd.Package).Version)
	case *osd.BootImage:
		keepBootImage(o, was.(*osd.BootImage))
	case *osd.Image:
		old := was.(*osd.Image)
		o.File, o.Version = cmp.Or(o.File, old.File), cmp.Or(o.Version, old.Version)
		if o.Indexes == nil {
			o.Indexes = old.Indexes
		}
	}
}

// keepTPM carries over the TPM of a computer that was learnt at a box: documents do
// not say it, and `bootward computer replace` alone takes it away.
func (s *step) keepTPM() {
	c, ok := s.Object.(*osd.Computer)
	if !ok {
		return
	}
	was := s.was.(*osd.Computer).TPM
	if len(s.yaml) > 0 {
		c.TPM = cmp.Or(c.TPM, was)
	}
	switch {
	case c.TPM == was || was == "":
	case c.TPM == "":
		s.note("its TPM is not known any longer: the next one is learnt when a person approves the machine by its code")
	default:
		s.note("its TPM is another one now: a machine with the one before waits for a person")
	}
}

func equal(a, b osd.Object) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// checkReferences holds every object of the planned world against it: a
// rename must not leave others pointing to nothing.
func (p *plan) checkReferences() {
	bases := p.world.lists()
	for _, s := range p.steps {
		for _, r := range p.world.allReferences(s.Object, bases) {
			if !p.world.has(r) {
				p.errs = append(p.errs, s.missing(r))
			}
		}
		if s.was == nil || s.was.ObjectName() == s.ObjectName() {
			continue
		}
		if left := p.world.referrers(s.was); len(left) > 0 {
			p.errs = append(p.errs, s.fault("name", "apply those with the new name in the same call",
				"%s was called %q, and %s still uses that name", meta(s.was).ID, s.was.ObjectName(), strings.Join(left, ", ")))
		}
	}
}

// checkUnique refuses labels that two computers share, and names of boxes,
// computers and persons that differ in case only: all become lower-case labels.
// Addresses of docks and dongles may stand at several computers.
func (p *plan) checkUnique() {
	taken := p.takenLabels()
	for _, s := range p.steps {
		for _, l := range p.labelsOf(s.Object) {
			for _, other := range taken[l.key] {
				if other != s.Object {
					p.errs = append(p.errs, s.fault(l.field, "correct one of the two", "%s belongs to %s as well", l.value, p.world.named(other)))
				}
			}
		}
	}
}

// label is something that one object of a kind has alone.
type label struct{ key, field, value string }

func (p *plan) takenLabels() map[string][]osd.Object {
	taken := map[string][]osd.Object{}
	for _, k := range []osd.Kind{osd.KindBox, osd.KindComputer, osd.KindAssociation, osd.KindPerson} {
		for _, o := range all[osd.Object](p.world, k) {
			for _, l := range p.labelsOf(o) {
				taken[l.key] = append(taken[l.key], o)
			}
		}
	}
	return taken
}

func (p *plan) labelsOf(o osd.Object) []label {
	var out []label
	add := func(field, value string) {
		out = append(out, label{string(o.ObjectKind()) + "/" + strings.TrimRight(field, "0123456789[]") + "/" + strings.ToLower(value), field, value})
	}
	switch o := o.(type) {
	case *osd.Box:
		add("name", o.Name)
	case *osd.Person: // certificates bear it in lower case
		add("name", o.Name)
	case *osd.Association:
		add("destination", o.To())
	case *osd.Computer:
		add("name", o.Name)
		if o.Obsolete {
			return out
		}
		settings := p.world.settings()
		macs, _ := labels(o)
		guid := settings.GUID(o.SMBIOSGUID)
		for i, m := range macs {
			if !settings.Shared(m) {
				add("macs["+itoa(i)+"]", m)
			}
		}
		if guid != "" {
			add("smbiosGUID", guid)
		}
		if o.TPM != "" {
			add("tpm", o.TPM)
		}
	}
	return out
}

func itoa(i int) string { return strconv.Itoa(i) }

// labels are the normalised addresses and GUID of a computer that is valid.
func labels(c *osd.Computer) (macs []string, guid string) {
	for _, m := range c.MACs {
		if n, err := osd.NormalizeMAC(m); err == nil {
			macs = append(macs, n)
		}
	}
	guid, _ = osd.NormalizeGUID(c.SMBIOSGUID)
	return macs, guid
}
