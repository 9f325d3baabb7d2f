package appliance

import (
	"strings"

	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// image says of a boot image what decides how firmware starts it.
func (b *Box) image(id string) pxe.Image {
	s := b.snapshot()
	if s == nil {
		return pxe.Image{ID: id}
	}
	image := describeImage(s, id)
	if image.Loader == osd.LoaderShim && !b.files.Has(image.ID, pxe.ShimName) {
		image.Loader = osd.LoaderUKI // of a kit that had no shim
	}
	return image
}

func describeImage(s *policy.Snapshot, id string) pxe.Image {
	image := pxe.Image{ID: id, Loader: s.Box.PXE.UEFILoader}
	if i := findImage(s.BootImages, id); i != nil {
		image.ID, image.Architecture, image.Windows = i.ID, i.Architecture, i.Windows
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
