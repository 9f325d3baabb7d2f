package site

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
)

// bootImageFiles must be in the content of a boot image, windowsFiles in one of
// those that start Windows.
var (
	bootImageFiles = []string{"vmlinuz", "initrd", "uki.efi"}
	windowsFiles   = []string{"boot/boot.sdi"}
)

func bootImage(m osd.Meta, in api.Import) *osd.BootImage {
	o := &osd.BootImage{Meta: m, Architecture: osd.ArchX64}
	if in.File != "" {
		o.Windows = &osd.WindowsBoot{File: in.File}
	}
	if in.NoAgent {
		o.Agent = osd.AgentNone
	}
	return o
}

// inspectBootImage wants what firmware is going to ask for.
func inspectBootImage(o *osd.BootImage, m *content.Manifest) error {
	names, remedy := bootImageFiles, "import the folder that `bootward bootimage build` made"
	if o.Windows != nil {
		names, remedy = append([]string{o.Windows.File}, windowsFiles...), "import the WIM itself: bootward bootimage import boot.wim"
	}
	var missing []string
	for _, name := range names {
		if m.File(name) == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return api.Errorf(api.CodeRefused, title(o), "the content holds no %s", strings.Join(missing, ", ")).WithRemedy("%s", remedy)
}

// carryBootImage keeps how an image is started, when one of the same kind takes its
// place.
func carryBootImage(o, was *osd.BootImage) {
	o.Agent, o.StartUnasked = cmp.Or(o.Agent, was.Agent), was.StartUnasked && cmp.Or(o.Agent, was.Agent) == osd.AgentNone
	o.CommandSupport = was.CommandSupport && o.Agent != osd.AgentNone && o.Windows == nil
	if o.Windows == nil || was.Windows == nil {
		return
	}
	file := o.Windows.File
	*o.Windows = *was.Windows
	o.Windows.File = file
}

// keepBootImage carries over what an import set and YAML left out; whether there is
// an agent is for people to say.
func keepBootImage(o, was *osd.BootImage) {
	o.Architecture = cmp.Or(o.Architecture, was.Architecture)
	switch {
	case was.Windows == nil:
	case o.Windows == nil:
		o.Windows = was.Windows
	default:
		o.Windows.File = cmp.Or(o.Windows.File, was.Windows.File)
	}
}

// booting is an advertisement to machines that boot from the network or from media,
// and what they boot into.
type booting struct {
	*osd.Advertisement
	sequence   *sequence.Sequence
	image      *osd.BootImage
	collection *osd.Collection
}

// bootings are the advertisements of which all of that is there, by name.
func (w world) bootings() (out []booting) {
	for _, a := range all[*osd.Advertisement](w, osd.KindAdvertisement) {
		q, c := w.sequence(a.Sequence), w.collection(a.Collection)
		if q == nil || c == nil || !a.To(osd.ToBootMediaAndPXE) {
			continue
		}
		if image, ok := w.find(osd.KindBootImage, q.BootImage).(*osd.BootImage); ok {
			out = append(out, booting{a, q, image, c})
		}
	}
	return out
}

// checkCommandSupport warns of boot images that give a shell to whoever stands at the
// machine, where they are written and where they are advertised.
func (p *plan) checkCommandSupport() {
	for _, s := range p.steps {
		if b, ok := s.Object.(*osd.BootImage); ok && b.CommandSupport {
			s.note("WARNING: commandSupport is on: %s. For testing only: take it out again", shellText)
		}
	}
	for _, b := range p.world.bootings() {
		if s := p.changes(b.Advertisement, b.sequence); s != nil && b.image.CommandSupport {
			s.note("WARNING: %s has command support: %s", p.world.named(b.image), shellText)
		}
	}
}

// shellText is what commandSupport means.
const shellText = "anybody at a machine where a task sequence failed in this boot image is root there (S or F8), and reads the job's variables and secrets"

// checkF12 refuses to start by itself what waits for a key: nobody may be there to
// press it.
func (p *plan) checkF12() {
	for _, b := range p.world.bootings() {
		s := p.changes(b.Advertisement, b.sequence, b.image)
		if s == nil || !b.IsMandatory() || b.image.Agent == osd.AgentNone || b.image.Windows == nil || !b.image.Windows.AskF12 {
			continue
		}
		advertisement, image := p.world.named(b.Advertisement), p.world.named(b.image)
		p.errs = append(p.errs, s.fault("", fmt.Sprintf("write windows.askF12: false into %s; or let a person choose: leave mandatory out of %s", image, advertisement),
			"%s starts by itself, and %s waits for F12 on BIOS machines (windows.askF12), where nobody may stand", advertisement, image))
	}
}

// agentless says whether a boot image holds no agent.
func (w world) agentless(bootImage string) bool {
	b, ok := w.kinds[osd.KindBootImage][bootImage].(*osd.BootImage)
	return ok && b.Agent == osd.AgentNone
}

// checkAgentless refuses to advertise what a box would never offer, and says what
// becomes of the rest.
func (p *plan) checkAgentless(s *step, a *osd.Advertisement, q *sequence.Sequence) {
	if why := policy.AgentlessFault(q.Destructive(), a.IsMandatory()); why != "" {
		p.errs = append(p.errs, s.fault("sequence", "make it available, with a sequence that erases nothing: what runs in the boot image is its own",
			"boot image %q of task sequence %q holds no agent: %s", q.BootImage, a.Sequence, why))
		return
	}
	s.note("boot image %q holds no agent: the steps of task sequence %q are not run, and each machine gets it once, until its PXE mark is cleared", q.BootImage, a.Sequence)
	if image, ok := p.world.find(osd.KindBootImage, q.BootImage).(*osd.BootImage); ok && image.StartUnasked {
		s.note("machines whose firmware cannot ask for F12 (UEFI by PXE and HTTP) start it with nobody present, as boot image %q says (startUnasked)", q.BootImage)
	} else {
		s.note("machines whose firmware cannot ask for F12 (UEFI by PXE and HTTP) do not get it: nobody would have asked for it; startUnasked: true in boot image %q accepts that", q.BootImage)
	}
}
