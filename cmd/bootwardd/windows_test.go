package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/bootward/bootward/bootimg/winpe"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/osd/policy"
)

const macWindows = "52:54:00:77:00:13"

const wardWindows = `kind: Computer
name: ward7-pc3
macs: [52:54:00:77:00:13]
---
kind: Collection
name: Own deployment
members: [ward7-pc3]
---
kind: TaskSequence
name: Own deployment
bootImage: winpe
steps:
  - runCommandLine: {name: The boot image does it, command: "true"}
---
kind: Advertisement
name: Own deployment
collection: Own deployment
sequence: Own deployment
`

// importWindows imports a boot.wim whose files hold their own names.
func (r *rig) importWindows() {
	t := r.t
	dir := t.TempDir()
	for _, n := range []string{"PXE/pxeboot.n12", "PXE/pxeboot.com", "PXE/bootmgr.exe", "EFI/bootmgfw.efi", "EFI/boot.stl", "DVD/PCAT/boot.sdi", "Fonts/wgl4_boot.ttf"} {
		path := filepath.Join(dir, "tree/Windows/Boot", n)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(n), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "boot.wim")
	if out, err := exec.Command("wimlib-imagex", "capture", filepath.Join(dir, "tree"), path, "Windows PE", "--boot").CombinedOutput(); err != nil {
		t.Fatalf("wimlib-imagex: %v\n%s", err, out)
	}
	tree := filepath.Join(dir, "content")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := winpe.Extract(t.Context(), tool.Exec{}, path, tree); err != nil {
		t.Fatal(err)
	}
	store, err := content.OpenDirectory(filepath.Join(r.siteDir, "content"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := store.ImportTree(t.Context(), tree, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := api.Import{Kind: "BootImage", Name: "winpe", File: winpe.WIM, NoAgent: true}
	if in.Manifest, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if _, err := r.site.Import(t.Context(), "ann", in); err != nil {
		t.Fatal(err)
	}
}

// TestWindowsOnASegment: a boot.wim without an agent is offered to a UEFI machine
// with the path of its BCD; every file comes by the names that the boot manager uses;
// and once the WIM has been handed out, the machine boots its disk until its mark is
// cleared.
func TestWindowsOnASegment(t *testing.T) {
	r, s := onSegment(t)
	if r == nil {
		return
	}
	r.importWindows()
	r.apply(wardWindows)
	r.apply("kind: BootImage\nname: winpe\nagent: none\nstartUnasked: true\n") // the client is UEFI, which cannot ask
	r.startBox()
	r.ready()
	s.IP(t, "client", "addr", "add", nstest.ClientAddr+"/24", "dev", nstest.Link)
	link, err := net.ParseMAC(macWindows)
	if err != nil {
		t.Fatal(err)
	}
	s.IP(t, "client", "link", "set", nstest.Link, "address", link.String()) // as the box's neighbours show it

	ask := func() (file, bcd string) {
		offer := discover(t, s, macWindows, "PXEClient:Arch:00007:UNDI:003016")
		if offer == nil {
			return "", ""
		}
		return offer.BootFileName, string(offer.Options[252])
	}
	file, bcd := ask()
	if !strings.HasPrefix(file, "CEN") || !strings.HasSuffix(file, `\efi\bootmgfw.efi`) || !strings.HasSuffix(bcd, `\efi\bcd`+"\x00") {
		t.Fatalf("offer of %q with BCD %q", file, bcd)
	}
	id, _, _ := strings.Cut(file, `\`)
	get := func(name string) string {
		out := filepath.Join(t.TempDir(), "out")
		if text, err := s.Command(t, "client", "atftp", "--option", "blksize 1456", "--option", "windowsize 16", "-g", "-r", name, "-l", out, nstest.BoxAddr).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", name, err, text)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, f := range [][2]string{
		{file, "EFI/bootmgfw.efi"}, {`\EFI\Microsoft\Boot\boot.stl`, "EFI/boot.stl"},
		{`\Boot\Fonts\wgl4_boot.ttf`, "Fonts/wgl4_boot.ttf"}, {`\` + id + `\boot\boot.sdi`, "DVD/PCAT/boot.sdi"},
	} {
		if got := get(f[0]); got != f[1] {
			t.Errorf("%s: %q, want %q", f[0], got, f[1])
		}
	}
	if got := get(strings.TrimSuffix(bcd, "\x00")); !strings.HasPrefix(got, "regf") || got != get(`\Boot\BCD`) {
		t.Errorf("BCD of %d bytes", len(got))
	}
	if again, _ := ask(); again != file {
		t.Errorf("offer before the WIM was handed out: %q", again)
	}
	if got := get(`\` + id + `\sources\boot.wim`); !strings.HasPrefix(got, "MSWIM") {
		t.Errorf("boot.wim: %.10q", got)
	}
	r.eventually("mark", func() error {
		if again, _ := ask(); again != "" {
			return errors.New("is offered " + again)
		}
		return nil
	})
	if _, err := r.site.Order(t.Context(), "ann", api.Order{Kind: policy.OrderClearPXE, Computers: []string{"ward7-pc3"}}); err != nil {
		t.Fatal(err)
	}
	r.eventually("offer after the mark was cleared", func() error {
		if again, _ := ask(); again != file {
			return errors.New("is offered " + again)
		}
		return nil
	})
}
