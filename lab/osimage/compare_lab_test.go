//go:build lab

package osimage

import (
	"flag"
	"testing"

	"github.com/bootward/bootward/diskfs/tool"
)

var (
	manifest = flag.String("manifest", "", "manifest of the source")
	disk     = flag.String("disk", "", "disk image of the deployed system")
	offset   = flag.Int64("offset", 1<<20, "of its root volume, bytes")
	booted   = flag.Bool("booted", false, "the system has been booted")
)

// TestCompareDiskReal: go test -tags lab -run CompareDiskReal ./lab/osimage -args -manifest M -disk D -offset N
func TestCompareDiskReal(t *testing.T) {
	if *disk == "" {
		t.Fatal("name a disk with -disk and its manifest with -manifest")
	}
	m, err := Load(*manifest)
	if err != nil {
		t.Fatal(err)
	}
	expected := Deployed()
	if *booted {
		expected = append(expected, Booted()...)
	}
	diffs, err := CompareDisk(t.Context(), tool.Exec{}, m, *disk, *offset, expected)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range diffs {
		t.Error(d)
	}
	t.Logf("%d paths compared", len(m.Entries))
}
