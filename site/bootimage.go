package site

import (
	"cmp"
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
}
