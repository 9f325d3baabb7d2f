package pxe

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/osd"
	"github.com/google/go-cmp/cmp"
)

// What each firmware gets of a boot image by its architecture and loader.
func TestDecideByImage(t *testing.T) {
	const (
		ia32Class  = "PXEClient:Arch:00006:UNDI:003001"
		armClass   = "PXEClient:Arch:00011:UNDI:003001"
		armHTTP    = "HTTPClient:Arch:00019:UNDI:003001"
		scriptFile = "http://192.168.77.1/boot/img/boot.ipxe?mac=52:54:00:12:34:56"
		ukiURL     = "http://192.168.77.1/boot/img/uki.efi"
	)
	x64, arm := Image{ID: "img"}, Image{ID: "img", Architecture: osd.ArchARM64}
	shim := Image{ID: "img", Architecture: osd.ArchX64, Loader: osd.LoaderShim}
	tests := []struct {
		name, class string
		arch        int
		ipxe        bool
		image       Image
		file, why   string // file "" means silent
	}{
		{"shim", uefiClass, 7, false, shim, "img/shimx64.efi", "signed shim"},
		{"shim does not change iPXE", uefiClass, 7, true, shim, scriptFile, ""},
		{"shim does not change HTTP Boot", httpClass, 16, false, shim, ukiURL, ""},
		{"shim does not change BIOS", biosClass, 0, false, shim, "undionly.kpxe", ""},
		{"uki is the default", uefiClass, 7, false, x64, "img/uki.efi", ""},
		{"arm64 pxe", armClass, 11, false, arm, "img/uki.efi", "UEFI arm64"},
		{"arm64 http", armHTTP, 19, false, arm, ukiURL, "UEFI arm64 by HTTP"},
		{"arm64 ipxe", armClass, 11, true, arm, scriptFile, "UEFI arm64"},
		{"arm64 has no shim yet", armClass, 11, false, Image{ID: "img", Architecture: osd.ArchARM64, Loader: osd.LoaderShim}, "img/uki.efi", ""},
		{"arm64 without an image", armClass, 11, false, x64, "", "there is no boot image for arm64: img, which the task sequence names, is for x64"},
		{"arm64 http without an image", armHTTP, 19, false, x64, "", "no boot image for arm64"},
		{"x64 with an image for arm64", uefiClass, 7, false, arm, "", "there is no boot image for x64"},
		{"BIOS with an image for arm64", biosClass, 0, false, arm, "", "there is no boot image for x64"},
		{"ia32", ia32Class, 6, false, x64, "", "32-bit UEFI starts no 64-bit boot image"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Parse(discover(t, tt.class, tt.arch, tt.ipxe), dhcp.ServerPort)
			if err != nil {
				t.Fatal(err)
			}
			a := Decide(r, Intent{Action: Boot, Image: tt.image}, testBox)
			if a.File != tt.file || a.Send != (tt.file != "") {
				t.Errorf("file %q, send %v, want %q", a.File, a.Send, tt.file)
			}
			if why := strings.Join(a.Why, "; "); !strings.Contains(why, tt.why) {
				t.Errorf("why %q, want %q in it", why, tt.why)
			}
		})
	}
}

// HTTP Boot of arm64 takes an offer only with the vendor class of HTTP.
func TestARM64HTTPVendorClass(t *testing.T) {
	m := discover(t, "HTTPClient:Arch:00019:UNDI:003001", 19, false)
	h := Handler(func(context.Context, Machine) Intent {
		return Intent{Action: Boot, Image: Image{ID: "img", Architecture: osd.ArchARM64}}
	}, Server{})
	p := dhcp.Build(m, h(t.Context(), dhcp.Packet{Message: m, Port: 67, Server: testBox.Address}))
	if got := string(p.Options[60]); got != "HTTPClient" {
		t.Errorf("option 60 %q", got)
	}
}

func TestGRUBConfig(t *testing.T) {
	got, err := GRUBConfig("linux-x64", []string{"console=ttyS0,115200", "quiet"})
	if err != nil {
		t.Fatal(err)
	}
	want := `set timeout=0
echo "Bootward: boot image linux-x64"
if linux /linux-x64/vmlinuz console=ttyS0,115200 quiet BOOTIF=01-$net_default_mac; then
  if initrd /linux-x64/initrd; then
    boot
  fi
fi
echo "Bootward: the boot image could not be loaded"
sleep 5
exit
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"a b", "x$y", "a;b", "a\nb", "a{b", `a"b`, "a'b", ""} {
		if _, err := GRUBConfig("x", []string{bad}); err == nil {
			t.Errorf("argument %q was taken", bad)
		}
	}
	if _, err := GRUBConfig("../x", nil); err == nil {
		t.Error("a bad id was taken")
	}
}

func TestMayLack(t *testing.T) {
	for name, want := range map[string]bool{
		"img/revocations.efi": true, "img/revocations_sbat.efi": true, "img/revocations_sku.efi": true, "img/shim_certificate_0.efi": true,
		"grub/x86_64-efi/command.lst": true, "grub/grub.cfg-01-52-54-00-12-34-56": true, "grub/grub.cfg": false,
		"img/vmlinuz": false, "img/grubx64.efi": false, "undionly.kpxe": false, "grub": false,
	} {
		if MayLack(name) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
}

// A script asks for long mode on BIOS alone, and only of an iPXE that can tell.
func TestLongModeCheck(t *testing.T) {
	s, err := BootScript(testBox, "img", net.HardwareAddr{2, 0, 0, 0, 0, 1}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	check, load := strings.Index(s, "cpuid --ext 29 && goto load"), strings.Index(s, "kernel http")
	if check < 0 || load < check || strings.Index(s, "iseq ${platform} pcbios || goto load") > check {
		t.Errorf("script:\n%s", s)
	}
	if !strings.Contains(s, "/boot/img/only32.ipxe?mac=02:00:00:00:00:01") || !strings.Contains(Only32Script(), "no 64-bit mode") {
		t.Errorf("nothing is told:\n%s\n%s", s, Only32Script())
	}
}
