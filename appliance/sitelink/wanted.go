package sitelink

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/policy"
)

// Wanted is one version of content that the box must hold.
type Wanted struct {
	Digest string
	Name   string // kind and name, for people
	Bytes  int64
}

// WantedBy lists what a policy needs, boot images first: with them the box can
// answer. Each digest is listed once.
func WantedBy(s *policy.Snapshot) []Wanted {
	var all []Wanted
	seen := map[string]bool{}
	add := func(kind, name, digest string, bytes int64) {
		if digest != "" && !seen[digest] {
			seen[digest] = true
			all = append(all, Wanted{digest, kind + " " + name, bytes})
		}
	}
	for _, b := range s.BootImages {
		add("boot image", b.Name, b.Manifest, b.Bytes)
	}
	for _, p := range s.Packages {
		add("package", p.Name, p.Manifest, p.Bytes)
	}
	for _, i := range s.Images {
		add("image", i.Name, i.Manifest, i.Bytes)
	}
	slices.SortStableFunc(all, func(a, b Wanted) int {
		return cmp.Compare(rank(a), rank(b))
	})
	return all
}

// rank brings boot images first, then small things: they are ready soon.
func rank(w Wanted) int64 {
	if strings.HasPrefix(w.Name, "boot image ") {
		return -1
	}
	return w.Bytes
}
