package winpe

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/diskfs/wim"
)

// capture makes a bootable WIM of files that hold their own names, with the
// capitals that images of Windows have.
func capture(t *testing.T, names []string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, "tree", n)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "boot.wim")
	all := append([]string{"capture", filepath.Join(dir, "tree"), path, "Windows PE", "--compress=XPRESS"}, args...)
	if out, err := exec.Command("wimlib-imagex", all...).CombinedOutput(); err != nil {
		t.Fatalf("wimlib-imagex: %v\n%s", err, out)
	}
	return path
}

var whole = []string{
	"Windows/Boot/PXE/pxeboot.com", "Windows/Boot/PXE/pxeboot.n12", "Windows/Boot/PXE/bootmgr.exe", "Windows/Boot/PXE/abortpxe.com",
	"Windows/Boot/EFI/bootmgfw.efi", "Windows/Boot/EFI/boot.stl", "Windows/Boot/EFI_EX/bootmgfw_EX.efi",
	"Windows/Boot/DVD/PCAT/boot.sdi", "Windows/Boot/DVD/EFI/boot.sdi",
	"Windows/Boot/Fonts/wgl4_boot.ttf", "Windows/Boot/Fonts/segoe_slboot.ttf",
	"Windows/System32/winpeshl.ini", "WINDOWS.TXT",
}

func list(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		all[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func extract(t *testing.T, path string) (map[string]string, []Missing, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "content")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	missing, err := Extract(t.Context(), tool.Exec{}, path, dir)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".winpe-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return list(t, dir), missing, err
}

func TestExtract(t *testing.T) {
	path := capture(t, whole, "--boot", "--image-property=WINDOWS/ARCH=9")
	got, missing, err := extract(t, path)
	if err != nil || len(missing) > 0 {
		t.Fatalf("missing %v, %v", missing, err)
	}
	want := map[string]string{
		"boot/pxeboot.com": whole[0], "boot/pxeboot.n12": whole[1], "boot/bootmgr.exe": whole[2],
		"efi/bootmgfw.efi": whole[4], "efi/boot.stl": whole[5], "efi/bootmgfw_ex.efi": whole[6],
		"boot/boot.sdi": whole[7], "boot/fonts/wgl4_boot.ttf": whole[9], "boot/fonts/segoe_slboot.ttf": whole[10],
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s holds %q, want %q", name, got[name], text)
		}
	}
	original, err := os.ReadFile(path)
	if err != nil || got[WIM] != string(original) || len(got) != len(want)+1 {
		t.Errorf("%d files, WIM of %d bytes, %v", len(got), len(got[WIM]), err)
	}
}

// TestMissing: each file that lacks is named, and it is refused only when neither
// BIOS nor UEFI machines could start what is left.
func TestMissing(t *testing.T) {
	without := func(parts ...string) []string {
		return slices.DeleteFunc(slices.Clone(whole), func(n string) bool {
			return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(n, p) })
		})
	}
	for _, tt := range []struct {
		name    string
		files   []string
		missing []string // parts of what is said, in order
		fails   string
	}{
		{"before 2023", without("EFI_EX"), []string{"bootmgfw_EX.efi is not in the WIM: bootManager 2023"}, ""},
		{"no UEFI", without("Boot/EFI"), []string{"UEFI machines can start", "bootManager 2023", "24H2"}, ""},
		{"no BIOS", without("PXE"), []string{"only after F12", "asked for F12", "BIOS machines cannot start it"}, ""},
		{"no fonts", without("Fonts"), []string{"without letters"}, ""},
		{"one boot.sdi", without("PCAT"), nil, ""},
		{"no boot.sdi", without("boot.sdi"), nil, "lacks boot.sdi;"},
		{"no boot manager", without("PXE", "Boot/EFI"), nil, "lacks pxeboot.n12 with bootmgr.exe, or bootmgfw.efi;"},
		{"no loader of bootmgr", without("pxeboot", "Boot/EFI"), nil, "lacks pxeboot.n12"},
		{"something else", []string{"etc/hostname"}, nil, "lacks boot.sdi, and pxeboot.n12"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, missing, err := extract(t, capture(t, tt.files, "--boot"))
			if got := fmt.Sprint(err); tt.fails != "" && !strings.Contains(got, tt.fails) || tt.fails == "" && err != nil {
				t.Fatalf("error %q, want %q", got, tt.fails)
			}
			if len(missing) != len(tt.missing) {
				t.Fatalf("missing %v", missing)
			}
			for i, m := range missing {
				if !strings.Contains(m.String(), tt.missing[i]) {
					t.Errorf("missing %q, want %q", m, tt.missing[i])
				}
			}
		})
	}
}

func TestDamaged(t *testing.T) {
	path := capture(t, whole, "--boot", "--check")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[300] ^= 1 // inside the first resource
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := extract(t, path); !errors.Is(err, wim.ErrCorrupt) {
		t.Errorf("a damaged WIM: %v", err)
	}
}

func TestNotBootable(t *testing.T) {
	for want, path := range map[string]string{
		"marked as the one to boot": capture(t, whole),
		"it is for x86":             capture(t, whole, "--boot", "--image-property=WINDOWS/ARCH=0"),
		"not a WIM file":            filepath.Join("..", "winpe", "winpe.go"),
	} {
		if _, _, err := extract(t, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
