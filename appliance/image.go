package appliance

import (
	"strings"

	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// image says of a boot image what decides how firmware starts it, and which of its
// files are there.
func (b *Box) image(s *policy.Snapshot, id string) pxe.Image {
	i := describeImage(s, id)
	return i.Has(func(name string) bool { return b.files.Has(i.ID, name) })
}

func describeImage(s *policy.Snapshot, id string) pxe.Image {
	image := pxe.Image{ID: id, Loader: s.Box.PXE.UEFILoader}
	if i := findImage(s.BootImages, id); i != nil {
		image.ID, image.Architecture, image.Windows = i.ID, i.Architecture, i.Windows
		image.Agentless, image.StartUnasked, image.CommandSupport = i.Agent == osd.AgentNone, i.StartUnasked, i.CommandSupport
	}
	return image
}

// findImage compares IDs without regard to case, because TFTP clients change it.
func findImage(all []osd.BootImage, id string) *osd.BootImage {
	for i := range all {
		if strings.EqualFold(all[i].ID, id) {
			return &all[i]
		}
	}
	return nil
}
