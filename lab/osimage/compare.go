package osimage

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Difference is one way in which a deployed tree is not what its source was.
type Difference struct {
	Path string
	// What names the thing: missing, added, type, mode, owner, content, target,
	// device, hard link or attributes.
	What       string
	Want, Have string
}

func (d Difference) String() string {
	switch d.What {
	case "missing", "added":
		return d.Path + ": " + d.What
	}
	return fmt.Sprintf("%s: %s: want %q, have %q", d.Path, d.What, d.Want, d.Have)
}

// Deployed lists what a deployment changes on purpose: a settings step, the boot
// loader and the agent. A pattern is that of path.Match; one that ends in /**
// stands for the folder and everything under it.
func Deployed() []string {
	return []string{
		"/lost+found", "/etc/default/grub.d/**", "/boot/grub", "/boot/grub/**", "/boot/efi", "/boot/efi/**",
		"/etc/fstab", "/etc/hostname", "/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/machine-id",
		"/etc/systemd/network/*",
	}
}

// Booted lists what the first boot of a deployed Debian changes by itself.
func Booted() []string {
	return []string{
		"/etc/machine-id", "/etc/resolv.conf", "/etc/.updated", "/var/.updated", "/etc/ld.so.cache",
		"/var/log/**", "/var/cache/**", "/var/tmp/**", "/tmp/**", "/run/**",
		"/var/lib/systemd/**", "/var/lib/private", "/var/lib/dbus/**", "/var/lib/misc/**",
		"/etc/mtab", "/etc/systemd/system/**", "/etc/ssh/**", "/etc/credstore", "/etc/credstore.encrypted", "/root",
	}
}

// Compare describes the tree under root and holds it against m. Paths that a
// pattern of expected covers are not compared at all. The result is ordered by
// path and empty if the trees agree.
func Compare(ctx context.Context, m Manifest, root string, expected []string) ([]Difference, error) {
	have, err := Describe(ctx, root)
	if err != nil {
		return nil, err
	}
	return Diff(m, have, expected), nil
}

// Diff is Compare on two manifests.
func Diff(want, have Manifest, expected []string) []Difference {
	theirs := make(map[string]Entry, len(have.Entries))
	for _, e := range have.Entries {
		theirs[e.Path] = e
	}
	var out []Difference
	for _, w := range want.Entries {
		h, ok := theirs[w.Path]
		delete(theirs, w.Path)
		switch {
		case covered(w.Path, expected):
		case !ok:
			out = append(out, Difference{Path: w.Path, What: "missing"})
		default:
			out = append(out, entryDiff(w, h)...)
		}
	}
	for p := range theirs {
		if !covered(p, expected) {
			out = append(out, Difference{Path: p, What: "added"})
		}
	}
	slices.SortFunc(out, func(a, b Difference) int {
		return strings.Compare(a.Path+"\x00"+a.What, b.Path+"\x00"+b.What)
	})
	return out
}

func entryDiff(w, h Entry) []Difference {
	if w.Type != h.Type {
		return []Difference{{w.Path, "type", w.Type, h.Type}}
	}
	var out []Difference
	add := func(what, want, have string) {
		if want != have {
			out = append(out, Difference{w.Path, what, want, have})
		}
	}
	add("mode", w.Mode, h.Mode)
	add("owner", fmt.Sprintf("%d:%d", w.UID, w.GID), fmt.Sprintf("%d:%d", h.UID, h.GID))
	add("content", fmt.Sprintf("%d bytes %s", w.Size, w.SHA256), fmt.Sprintf("%d bytes %s", h.Size, h.SHA256))
	add("target", w.Target, h.Target)
	add("device", w.Device, h.Device)
	add("hard link", w.LinkedTo, h.LinkedTo)
	if !maps.Equal(w.Xattrs, h.Xattrs) {
		add("attributes", fmt.Sprint(w.Xattrs), fmt.Sprint(h.Xattrs))
	}
	return out
}

// covered says whether a pattern stands for p.
func covered(p string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if dir, ok := strings.CutSuffix(pattern, "/**"); ok {
			return p == dir || strings.HasPrefix(p, dir+"/")
		}
		ok, err := path.Match(pattern, p)
		return ok && err == nil
	})
}
