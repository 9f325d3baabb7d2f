// Package bootimg makes what machines boot into: for targets a kernel, an initramfs and a unified kernel image (UKI);
// the firmware of boxes is made of the same parts by the package firmware below it.
//
// Everything comes out of a kit (see rootfs.Kit) and a board; the same inputs give the same bytes. The package runs
// no programs and signs nothing. UKIs follow the UAPI group's specification of unified kernel images on systemd's
// EFI stub; the PE sections are appended here.
package bootimg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bootward/bootward/board"
	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/rootfs"
)

// TrustFile is where a boot image keeps the trust anchor of its site.
const TrustFile = "etc/bootward/trust.json"

// Names of the artefacts in a folder.
const (
	KernelName = "vmlinuz"
	InitrdName = "initrd"
	UKIName    = "uki.efi"
	BOMName    = "bom.json"
)

// Options of BuildLinux.
type Options struct {
	SiteTrust   []byte      // placed at TrustFile; required: an image pins its site
	CommandLine string      // further kernel parameters, separated by spaces
	Board       board.Board // as from board.Load
	DBX         []byte      // forbidden programs beside those that are built in, see Revocations.With; may be nil
}

// Artifacts is a built image.
type Artifacts struct {
	Version     string // of the kit
	Board       string
	Release     string // of the kernel
	CommandLine string // complete; loaders that take kernel and initrd as files must pass it
	Kernel      []byte
	Initrd      []byte
	UKI         []byte // kernel, initrd and command line in one EFI program
	Chain       Chain  // for Secure Boot by the distribution's signatures; empty if the kit has none
	Modules     []string
	Materials   []rootfs.Material // what it was made from
}

// BuildLinux makes the boot image for targets: kernel, u-root initramfs, bootward-agent.
func BuildLinux(ctx context.Context, k *rootfs.Kit, o Options) (Artifacts, error) {
	if len(o.SiteTrust) == 0 {
		return Artifacts{}, errors.New("boot image: no trust anchor of a site is given: an image must pin its site")
	}
	a, err := Assemble(ctx, k, o.Board, rootfs.Target(), Slot{ID: "bootward-target", Title: "Bootward boot image"},
		o.CommandLine, map[string][]byte{TrustFile: o.SiteTrust})
	if err != nil || !k.Has(shimSource) {
		return a, err
	}
	revoked, err := Pinned()
	if err != nil {
		return Artifacts{}, err
	}
	if o.DBX != nil {
		if revoked, err = revoked.With("dbx", o.DBX); err != nil {
			return Artifacts{}, err
		}
	}
	if a.Chain, err = signedChain(k.Read, a.Kernel, revoked); err != nil {
		return Artifacts{}, fmt.Errorf("boot image for %s: %w", o.Board.Name, err)
	}
	a.Materials = append(a.Materials, k.Material(shimSource), k.Material(grubSource))
	return a, nil
}

// Slot names an image for boot loaders (os-release(5)).
type Slot struct {
	ID    string // IMAGE_ID; images of one ID are sorted by version
	Title string // shown in menus
}

// Assemble makes kernel, initramfs and UKI of any content; firmware and boot images are both made by it. extra holds
// further files of the initramfs by path.
func Assemble(ctx context.Context, k *rootfs.Kit, b board.Board, c rootfs.Content, s Slot, commandLine string, extra map[string][]byte) (Artifacts, error) {
	fail := func(err error) (Artifacts, error) {
		return Artifacts{}, fmt.Errorf("%s image for %s: %w", c.Role, b.Name, err)
	}
	kernel, err := k.Read("linux/vmlinuz")
	if err != nil {
		return fail(err)
	}
	stub, err := k.Read(stubOf(b))
	if err != nil {
		return fail(err)
	}
	image, err := rootfs.Build(k, b, c, extra)
	if err != nil {
		return fail(err)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	line := b.KernelCommandLine(append([]string{"bootward.role=" + c.Role}, strings.Fields(commandLine)...)...)
	uki, err := UKI(stub, Sections{OSRelease: s.osRelease(k.Version), CommandLine: line, Release: image.Release, Initrd: image.Initrd, Kernel: kernel})
	if err != nil {
		return fail(err)
	}
	materials := append([]rootfs.Material{k.Material("linux/vmlinuz"), k.Material(stubOf(b))}, image.Materials...)
	return Artifacts{Version: k.Version, Board: b.Name, Release: image.Release, CommandLine: line, Kernel: kernel, Initrd: image.Initrd,
		UKI: uki, Modules: image.Modules, Materials: materials}, nil
}

// stubOf is where a kit for the board's architecture has systemd's EFI stub.
func stubOf(b board.Board) string {
	if b.Architecture == board.ARM64 {
		return "efi/linuxaa64.efi.stub"
	}
	return "efi/linuxx64.efi.stub"
}

func (s Slot) osRelease(version string) string {
	return fmt.Sprintf("ID=bootward\nIMAGE_ID=%s\nIMAGE_VERSION=%s\nNAME=%q\nPRETTY_NAME=%q\nVERSION_ID=%s\n",
		s.ID, version, s.Title, s.Title+" "+version, version)
}

// BOM is the bill of materials as JSON: what was made, and from what.
func (a Artifacts) BOM() ([]byte, error) {
	return json.MarshalIndent(struct {
		Format      int               `json:"format"`
		Version     string            `json:"version"`
		Board       string            `json:"board"`
		Kernel      string            `json:"kernel"`
		CommandLine string            `json:"commandLine"`
		Modules     []string          `json:"modules"`
		Made        []rootfs.Material `json:"made"`
		From        []rootfs.Material `json:"from"`
	}{1, a.Version, a.Board, a.Release, a.CommandLine, a.Modules, a.made(), a.Materials}, "", " ")
}

func (a Artifacts) made() []rootfs.Material {
	made := []rootfs.Material{
		rootfs.Describe(KernelName, "kit", a.Kernel),
		rootfs.Describe(InitrdName, "bootimg", a.Initrd),
		rootfs.Describe(UKIName, "bootimg", a.UKI),
	}
	if a.Chain.Shim != nil {
		made = append(made, rootfs.Describe(ShimName, "kit", a.Chain.Shim), rootfs.Describe(GRUBName, "kit", a.Chain.GRUB))
	}
	return made
}

// Write puts the artefacts and their bill of materials into a folder, which it makes; files there are replaced.
func (a Artifacts) Write(dir string) error {
	bom, err := a.BOM()
	if err != nil {
		return fmt.Errorf("boot image: bill of materials: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("boot image: %w", err)
	}
	files := map[string][]byte{KernelName: a.Kernel, InitrdName: a.Initrd, UKIName: a.UKI, BOMName: append(bom, '\n')}
	if a.Chain.Shim != nil {
		files[ShimName], files[GRUBName] = a.Chain.Shim, a.Chain.GRUB
	}
	for name, data := range files {
		if err := durable.Write(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("boot image: %w", err)
		}
	}
	return nil
}
