package rootfs

import (
	"fmt"
	"slices"

	"github.com/bootward/bootward/board"
)

// Content says what goes into one kind of image beside the base archive and the modules.
type Content struct {
	Role     string            // "box" or "target": value of bootward.role= on the kernel command line
	Programs map[string]string // file of the kit → path in the image; executable
	Modules  []string          // kernel modules beside those of the board
	Trees    []string          // folders of the kit that are merged into the root
	Folders  []string          // empty folders, mount points
	Files    map[string]string // small constant files
}

// common is in every image. The base archive's resolv.conf names a public server: ours empties it.
func common(role, program string) Content {
	return Content{
		Role: role,
		Programs: map[string]string{
			"bin/bootward-init": "init",
			"bin/" + program:    "bin/" + program,
		},
		Trees:   []string{"tools"},
		Folders: []string{"proc", "sys", "dev", "run", "boot", "tmp", "root", "mnt", "var/lib/bootward", "etc/bootward"},
		Files: map[string]string{
			"etc/resolv.conf":   "",
			"etc/hosts":         "127.0.0.1 localhost\n",
			"etc/passwd":        "root:x:0:0:root:/root:/bin/sh\n",
			"etc/group":         "root:x:0:\n",
			"etc/nsswitch.conf": "hosts: files dns\n",
		},
	}
}

// Box is the content of the firmware of a box.
func Box() Content { return common("box", "bootwardd") }

// Target is the content of the boot image that targets boot into: with the kernel's SMB client, which Connect To Network
// Folder mounts shares by, and the algorithms that SMB 2.1 to 3.1.1 sign and encrypt with (decision 34).
func Target() Content {
	c := common("target", "bootward-agent")
	c.Modules = []string{"cifs", "ccm", "cmac", "ctr", "ecb", "gcm", "ghash-generic", "sha512_generic"}
	return c
}

// Image is a finished initramfs.
type Image struct {
	Initrd    []byte     // one zstd frame: base, modules, ours
	Release   string     // of the kernel that the modules belong to
	Modules   []string   // names, sorted
	Missing   []string   // firmware files that modules name and the kit lacks
	Materials []Material // what it was made from, in the kit's words
}

// Build makes the initramfs of a content for a board; extra are further files by path (0600), such as the trust
// anchor of a site. It fails if the kit lacks anything, if a module of the board is unknown, or if paths collide.
func Build(k *Kit, b board.Board, c Content, extra map[string][]byte) (Image, error) {
	base, err := k.Read("base.cpio")
	if err != nil {
		return Image{}, err
	}
	mods, err := CloseModules(k, slices.Concat(b.Modules, c.Modules))
	if err != nil {
		return Image{}, fmt.Errorf("board %s: %w", b.Name, err)
	}
	modules, err := mods.Archive().Bytes()
	if err != nil {
		return Image{}, fmt.Errorf("modules: %w", err)
	}
	ours, err := c.archive(k, extra)
	if err != nil {
		return Image{}, err
	}
	initrd, err := Concatenate(base, modules, ours)
	if err != nil {
		return Image{}, err
	}
	return Image{Initrd: initrd, Release: mods.Release, Modules: mods.Names(), Missing: mods.Missing, Materials: c.materials(k, mods)}, nil
}

func (c Content) archive(k *Kit, extra map[string][]byte) ([]byte, error) {
	a := &Archive{}
	for from, to := range c.Programs {
		if err := a.PutKit(k, from, to, 0o755); err != nil {
			return nil, err
		}
	}
	for _, t := range c.Trees {
		if err := a.PutTree(k, t); err != nil {
			return nil, err
		}
	}
	for _, f := range c.Folders {
		a.Folder(f, 0o755)
	}
	a.Folder("tmp", 0o777)
	a.Folder("root", 0o700)
	for to, text := range c.Files {
		a.Put(to, []byte(text), 0o644)
	}
	for to, data := range extra {
		a.Put(to, data, 0o600)
	}
	return a.Bytes()
}

func (c Content) materials(k *Kit, mods *Modules) (out []Material) {
	out = append(out, k.Material("base.cpio"))
	for _, p := range k.List("bin") {
		if _, ok := c.Programs[p]; ok {
			out = append(out, k.Material(p))
		}
	}
	for _, t := range c.Trees {
		for _, p := range k.List(t) {
			out = append(out, k.Material(p))
		}
	}
	for _, name := range mods.Names() {
		out = append(out, k.Material("linux/lib/modules/"+mods.Release+"/"+mods.modules[name].path))
	}
	return out
}
