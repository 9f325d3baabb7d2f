package appliance

import (
	"testing"

	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

func TestDescribeImage(t *testing.T) {
	win := &osd.WindowsBoot{File: "sources/boot.wim"}
	s := &policy.Snapshot{Box: osd.Box{PXE: osd.PXE{UEFILoader: osd.LoaderShim}}, BootImages: []osd.BootImage{
		{Meta: osd.Meta{ID: "CEN0000A"}, Architecture: osd.ArchARM64},
		{Meta: osd.Meta{ID: "CEN0000B"}, Windows: win},
	}}
	for id, want := range map[string]pxe.Image{
		"CEN0000A": {ID: "CEN0000A", Architecture: osd.ArchARM64, Loader: osd.LoaderShim},
		"cen0000b": {ID: "CEN0000B", Windows: win, Loader: osd.LoaderShim},
		"CEN0000C": {ID: "CEN0000C", Loader: osd.LoaderShim},
	} {
		if got := describeImage(s, id); got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
}
