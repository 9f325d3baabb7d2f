package pxe

import (
	"context"
	"encoding/hex"
	"flag"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	testMAC  = net.HardwareAddr{0x52, 0x54, 0, 0x12, 0x34, 0x56}
	testUUID = []byte{0, 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	testBox  = Server{Address: netip.MustParseAddr("192.168.77.1"), BoxID: "ward-1", SiteCode: "CEN"}
)

const (
	biosClass = "PXEClient:Arch:00000:UNDI:002001"
	uefiClass = "PXEClient:Arch:00007:UNDI:003001"
	httpClass = "HTTPClient:Arch:00016:UNDI:003001"
)

// discover builds a client message as firmware does; arch < 0 leaves option 93 out.
func discover(t testing.TB, class string, arch int, ipxe bool, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	m, err := dhcpv4.NewDiscovery(testMAC, append([]dhcpv4.Modifier{
		dhcpv4.WithTransactionID(dhcpv4.TransactionID{1, 2, 3, 4}),
		dhcpv4.WithGeneric(dhcpv4.OptionClientMachineIdentifier, testUUID),
	}, mods...)...)
	if err != nil {
		t.Fatal(err)
	}
	if class != "" {
		m.UpdateOption(dhcpv4.OptClassIdentifier(class))
	}
	if arch >= 0 {
		m.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientSystemArchitectureType, []byte{byte(arch >> 8), byte(arch)}))
	}
	if ipxe {
		m.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionUserClassInformation, []byte("iPXE")))
	}
	return m
}

func request(ids ...net.IP) []dhcpv4.Modifier {
	mods := []dhcpv4.Modifier{dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest)}
	for _, id := range ids {
		mods = append(mods, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(id)))
	}
	return mods
}

var decisions = []struct {
	name   string
	class  string
	arch   int
	ipxe   bool
	mods   []dhcpv4.Modifier
	port   uint16
	mode   dhcp.Mode
	in     Action
	prompt time.Duration
	want   Firmware
	file   string // "" means silent, "-" an answer without file
	ack    bool
	why    string
}{
	{name: "bios-rom", class: biosClass, in: Boot, want: BIOSPXE, file: "undionly.kpxe"},
	{name: "bios-ipxe", class: biosClass, ipxe: true, in: Boot, want: BIOSIPXE, file: "http://192.168.77.1/boot/linux-x64/boot.ipxe?mac=52:54:00:12:34:56"},
	{name: "bios-ipxe-next", class: biosClass, ipxe: true, in: NextDevice, want: BIOSIPXE, file: "http://192.168.77.1/boot/next/boot.ipxe?mac=52:54:00:12:34:56"},
	{name: "bios-rom-next", class: biosClass, in: NextDevice, want: BIOSPXE, file: "-", why: "boot menu of one entry"},
	{name: "bios-rom-next-dhcp", class: biosClass, mode: dhcp.DHCP, in: NextDevice, want: BIOSPXE, file: "-"},
	{name: "uefi-pxe-next", class: uefiClass, arch: 7, in: NextDevice, want: UEFIX64PXE, file: "-"},
	{name: "uefi-pxe-next-4011", class: uefiClass, arch: 7, mods: request(), port: 4011, in: NextDevice, want: UEFIX64PXE, ack: true, file: "-"},
	{name: "uefi-http-next", class: httpClass, arch: 16, in: NextDevice, want: UEFIX64HTTP, file: "http://192.168.77.1/boot/next/uki.efi", why: "not there"},
	{name: "bios-ipxe-prompt", class: biosClass, ipxe: true, in: Boot, prompt: 10 * time.Second, want: BIOSIPXE, file: "http://192.168.77.1/boot/linux-x64/boot.ipxe?mac=52:54:00:12:34:56&prompt=10"},
	{name: "uefi-pxe-prompt", class: uefiClass, arch: 7, in: Boot, prompt: 10 * time.Second, want: UEFIX64PXE, file: "linux-x64/uki.efi"},
	{name: "uefi-pxe", class: uefiClass, arch: 7, in: Boot, want: UEFIX64PXE, file: "linux-x64/uki.efi"},
	{name: "uefi-pxe-arch-9", class: uefiClass, arch: 9, in: Boot, want: UEFIX64PXE, file: "linux-x64/uki.efi"},
	{name: "uefi-arch-from-class", class: uefiClass, arch: -1, in: Boot, want: UEFIX64PXE, file: "linux-x64/uki.efi"},
	{name: "uefi-http", class: httpClass, arch: 16, in: Boot, want: UEFIX64HTTP, file: "http://192.168.77.1/boot/linux-x64/uki.efi"},
	{name: "uefi-ipxe", class: uefiClass, arch: 7, ipxe: true, in: Boot, want: UEFIX64IPXE, file: "http://192.168.77.1/boot/linux-x64/boot.ipxe?mac=52:54:00:12:34:56"},
	{name: "uefi-ipxe-next", class: uefiClass, arch: 7, ipxe: true, in: NextDevice, want: UEFIX64IPXE, file: "http://192.168.77.1/boot/next/boot.ipxe?mac=52:54:00:12:34:56"},
	{name: "agent", class: AgentClass, arch: -1, in: Silent, want: Agent, file: "-", why: "told to everybody"},
	{name: "agent-dhcp-mode", class: AgentClass, arch: -1, mode: dhcp.DHCP, in: Silent, want: Agent, file: "-"},
	{name: "agent-request", class: AgentClass, arch: -1, mods: request(), mode: dhcp.DHCP, want: Agent, why: "DISCOVER on port 67"},
	{name: "ipxe-4011", class: biosClass, ipxe: true, mods: request(net.IP{192, 168, 77, 1}), port: 4011, in: Boot, want: BIOSIPXE, ack: true, file: "http://192.168.77.1/boot/linux-x64/boot.ipxe?mac=52:54:00:12:34:56"},
	{name: "ovmf-4011", class: uefiClass, arch: 7, mods: request(), port: 4011, in: Boot, want: UEFIX64PXE, ack: true, file: "linux-x64/uki.efi"},
	{name: "foreign-4011", class: uefiClass, arch: 7, mods: request(net.IP{192, 168, 77, 9}), port: 4011, in: Boot, want: UEFIX64PXE, why: "names the server 192.168.77.9"},
	{name: "discover-4011", class: uefiClass, arch: 7, port: 4011, in: Boot, want: UEFIX64PXE, why: "DISCOVER on 4011"},
	{name: "request-67-proxy", class: uefiClass, arch: 7, mods: request(), in: Boot, want: UEFIX64PXE, why: "belongs to the server"},
	{name: "request-67-dhcp", class: uefiClass, arch: 7, mods: request(), mode: dhcp.DHCP, in: Boot, want: UEFIX64PXE, ack: true, file: "linux-x64/uki.efi"},
	{name: "uefi-pxe-dhcp", class: uefiClass, arch: 7, mode: dhcp.DHCP, in: Boot, want: UEFIX64PXE, file: "linux-x64/uki.efi"},
	{name: "uefi-http-dhcp", class: httpClass, arch: 16, mode: dhcp.DHCP, in: Boot, want: UEFIX64HTTP, file: "http://192.168.77.1/boot/linux-x64/uki.efi"},
	{name: "silent", class: uefiClass, arch: 7, in: Silent, want: UEFIX64PXE, why: "policy says silent"},
	{name: "ia32", class: "PXEClient:Arch:00006:UNDI:003001", arch: 6, in: Boot, want: UEFIIA32, why: "32-bit UEFI"},
	{name: "ia32-next", class: "PXEClient:Arch:00006:UNDI:003001", arch: 6, in: NextDevice, want: UEFIIA32, file: "-", why: "boot menu of one entry"},
	{name: "ia32-http-next", class: "HTTPClient:Arch:00015:UNDI:003001", arch: 15, in: NextDevice, want: UEFIIA32, file: "http://192.168.77.1/boot/next/uki.efi", why: "not there"},
	{name: "ia32-ipxe-next", class: "PXEClient:Arch:00006:UNDI:003001", arch: 6, ipxe: true, in: NextDevice, want: UEFIIA32, file: "http://192.168.77.1/boot/next/boot.ipxe?mac=52:54:00:12:34:56"},
	{name: "riscv-next", class: "PXEClient:Arch:00027", arch: 27, in: NextDevice, want: OtherFirmware, why: "architecture"},
	{name: "arm64-pxe", class: "PXEClient:Arch:00011:UNDI:003001", arch: 11, in: Boot, want: UEFIARM64PXE, why: "arm64"},
	{name: "arm64-http", class: "HTTPClient:Arch:00019:UNDI:003001", arch: 19, in: Boot, want: UEFIARM64HTTP, why: "arm64"},
	{name: "riscv", class: "PXEClient:Arch:00027", arch: 27, in: Boot, want: OtherFirmware, why: "architecture"},
	{name: "no-arch", class: "PXEClient", arch: -1, in: Boot, want: OtherFirmware, why: "architecture"},
	{name: "ordinary-client", class: "MSFT 5.0", arch: -1, in: Boot, want: NotBoot, why: "ordinary"},
	{name: "no-class", arch: -1, in: Boot, want: NotBoot, why: "ordinary"},
}

func TestDecide(t *testing.T) {
	for _, tc := range decisions {
		t.Run(tc.name, func(t *testing.T) {
			port := tc.port
			if port == 0 {
				port = dhcp.ServerPort
			}
			m := discover(t, tc.class, tc.arch, tc.ipxe, tc.mods...)
			r, err := Parse(m, port)
			if err != nil {
				t.Fatal(err)
			}
			s := testBox
			s.Mode = tc.mode
			a := Decide(r, Intent{Action: tc.in, Image: Image{ID: "linux-x64"}, Prompt: tc.prompt, Reason: "because of a test"}, s)
			if a.Firmware != tc.want {
				t.Errorf("firmware %q, want %q", a.Firmware, tc.want)
			}
			if a.Send != (tc.file != "") {
				t.Fatalf("send %v, want file %q; %q", a.Send, tc.file, a.Why)
			}
			if !strings.Contains(strings.Join(a.Why, "; "), tc.why) || len(a.Why) == 0 {
				t.Errorf("why %q, want %q in it", a.Why, tc.why)
			}
			if !a.Send {
				return
			}
			if got := a.File; got != strings.TrimPrefix(tc.file, "-") {
				t.Errorf("file %q, want %q", got, tc.file)
			}
			if (a.Type == dhcpv4.MessageTypeAck) != tc.ack {
				t.Errorf("type %v, want ack %v", a.Type, tc.ack)
			}
			golden(t, tc.name, dhcp.Build(m, a.reply()))
		})
	}
}

// golden compares the packet, as bytes and as a summary that people can read.
func golden(t *testing.T, name string, m *dhcpv4.DHCPv4) {
	t.Helper()
	got := m.Summary() + "\n" + hex.Dump(m.ToBytes())
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (refresh with -update):\n%s", file, d)
	}
}

func TestProxyOfferFacts(t *testing.T) {
	m := discover(t, biosClass, 0, true)
	r, _ := Parse(m, dhcp.ServerPort)
	p := dhcp.Build(m, Decide(r, Intent{Action: Boot, Image: Image{ID: "x"}}, testBox).reply())
	for code, want := range map[uint8]string{
		43: "\x06\x01\x08\xff", 54: "\xc0\xa8\x4d\x01", 60: "PXEClient", 97: string(testUUID), 175: "\x01\x01\x7f",
	} {
		if got := string(p.Options[code]); got != want {
			t.Errorf("option %d = %x, want %x", code, got, want)
		}
	}
	if !p.YourIPAddr.IsUnspecified() || !p.ServerIPAddr.Equal(net.IP{192, 168, 77, 1}) {
		t.Errorf("yiaddr %v, siaddr %v", p.YourIPAddr, p.ServerIPAddr)
	}
}

// iPXE waits for offers of proxies unless the offer with its address says that it need not.
func TestIPXEWaitsForNoProxy(t *testing.T) {
	own := testBox
	own.Mode = dhcp.DHCP
	tests := []struct {
		name   string
		server Server
		action Action
		want   string
	}{
		{"the only DHCP server", own, Boot, "\x01\x01\x7f\xb0\x01\x01"},
		{"sent on to its disk", own, NextDevice, "\x01\x01\x7f\xb0\x01\x01"},
		{"beside a DHCP server", testBox, Boot, "\x01\x01\x7f"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := discover(t, biosClass, 0, true)
			r, err := Parse(m, dhcp.ServerPort)
			if err != nil {
				t.Fatal(err)
			}
			p := dhcp.Build(m, Decide(r, Intent{Action: tt.action, Image: Image{ID: "x"}}, tt.server).reply())
			if got := string(p.Options[175]); got != tt.want {
				t.Errorf("option 175 = %x, want %x", got, tt.want)
			}
		})
	}
}

func TestParseLabels(t *testing.T) {
	r, err := Parse(discover(t, uefiClass, 7, false), 67)
	if err != nil {
		t.Fatal(err)
	}
	if want := "00112233-4455-6677-8899-aabbccddeeff"; r.UUID != want {
		t.Errorf("uuid %s, want %s", r.UUID, want)
	}
	blank := append([]byte{0}, make([]byte, 16)...)
	r, _ = Parse(discover(t, uefiClass, 7, false, dhcpv4.WithGeneric(dhcpv4.OptionClientMachineIdentifier, blank)), 67)
	if r.UUID != "" || r.MachineID == nil {
		t.Errorf("blank uuid gave %q, echo %x", r.UUID, r.MachineID)
	}
	r, _ = Parse(discover(t, biosClass, 0, false, dhcpv4.WithGeneric(dhcpv4.OptionUserClassInformation, []byte("\x04iPXE"))), 67)
	if !r.IPXE {
		t.Error("user class in the form of RFC 3004 was not recognised")
	}
}

func TestBadImageID(t *testing.T) {
	r, _ := Parse(discover(t, uefiClass, 7, false), 67)
	for _, id := range []string{"", "next", "../x", "a/b", "a b", ".x", strings.Repeat("a", 65)} {
		if a := Decide(r, Intent{Action: Boot, Image: Image{ID: id}}, testBox); a.Send {
			t.Errorf("id %q was offered", id)
		}
	}
}

func TestHandlerAsksPolicyOnlyWhenItMatters(t *testing.T) {
	for _, tc := range []struct {
		class string
		arch  int
		asked bool
	}{{uefiClass, 7, true}, {AgentClass, -1, false}, {"MSFT 5.0", -1, false}, {uefiClass, 27, false}} {
		asked := false
		h := Handler(func(_ context.Context, m Machine) Intent {
			asked = true
			if m.UUID == "" || m.MAC.String() != testMAC.String() || m.Firmware != UEFIX64PXE {
				t.Errorf("machine %+v", m)
			}
			return Intent{Action: Boot, Image: Image{ID: "linux-x64"}}
		}, Server{BoxID: "ward-1", SiteCode: "CEN"})
		r := h(t.Context(), dhcp.Packet{Message: discover(t, tc.class, tc.arch, false), Port: 67, Server: testBox.Address})
		if asked != tc.asked {
			t.Errorf("%s: asked %v, want %v", tc.class, asked, tc.asked)
		}
		if asked && (!r.Send || r.NextServer != testBox.Address) {
			t.Errorf("%s: reply %+v", tc.class, r)
		}
	}
}

func TestScripts(t *testing.T) {
	got, err := BootScript(testBox, "linux-x64", testMAC, 0, []string{"console=ttyS0,115200", "quiet"})
	if err != nil {
		t.Fatal(err)
	}
	want := `#!ipxe
echo Bootward: boot image linux-x64
iseq ${platform} pcbios || goto load
cpuid 0 || goto load
cpuid --ext 29 && goto load ||
chain http://192.168.77.1/boot/linux-x64/only32.ipxe?mac=52:54:00:12:34:56 ||
exit
:load
kernel http://192.168.77.1/boot/linux-x64/vmlinuz initrd=initrd console=ttyS0,115200 quiet BOOTIF=01-52-54-00-12-34-56 || goto failed
initrd --name initrd http://192.168.77.1/boot/linux-x64/initrd || goto failed
boot || goto failed
:failed
echo Bootward: the boot image could not be loaded
exit 1
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"a b", "x${net0/mac}", "a|b", "a\nb", ""} {
		if _, err := BootScript(testBox, "x", testMAC, 0, []string{bad}); err == nil {
			t.Errorf("argument %q was taken", bad)
		}
	}
	got, err = BootScript(testBox, "linux-x64", nil, 10*time.Second, []string{"quiet"})
	if err != nil {
		t.Fatal(err)
	}
	want = `#!ipxe
prompt --timeout 10000 Press F12 for network service boot || goto disk
echo Bootward: boot image linux-x64
iseq ${platform} pcbios || goto load
cpuid 0 || goto load
cpuid --ext 29 && goto load ||
chain http://192.168.77.1/boot/linux-x64/only32.ipxe?mac= ||
exit
:load
kernel http://192.168.77.1/boot/linux-x64/vmlinuz initrd=initrd quiet bootward.prompted || goto failed
initrd --name initrd http://192.168.77.1/boot/linux-x64/initrd || goto failed
boot || goto failed
:failed
echo Bootward: the boot image could not be loaded
exit 1
:disk
echo Bootward: next boot device
iseq ${platform} efi && exit 1 ||
exit
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	s := testBox
	s.HTTPPort = 8080
	if got := s.url("x", "initrd"); got != "http://192.168.77.1:8080/boot/x/initrd" {
		t.Errorf("url %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, tc := range decisions {
		f.Add(discover(f, tc.class, tc.arch, tc.ipxe, tc.mods...).ToBytes(), uint16(67))
	}
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		m, err := dhcpv4.FromBytes(b)
		if err != nil {
			return
		}
		r, err := Parse(m, port)
		if err != nil {
			return
		}
		a := Decide(r, Intent{Action: Boot, Image: Image{ID: "linux-x64"}}, testBox)
		if len(a.Why) == 0 {
			t.Fatal("a decision without a word")
		}
		if !a.Send {
			return
		}
		back, err := dhcpv4.FromBytes(dhcp.Build(m, a.reply()).ToBytes())
		if err != nil {
			t.Fatalf("our answer does not parse: %v", err)
		}
		if !back.YourIPAddr.IsUnspecified() || back.OpCode != dhcpv4.OpcodeBootReply || back.TransactionID != m.TransactionID {
			t.Fatalf("answer %s", back.Summary())
		}
	})
}

func TestValidImageID(t *testing.T) {
	for id, want := range map[string]bool{
		"linux-x64": true, "CEN00001": true, "a": true, "9.1_b-C": true, strings.Repeat("a", 64): true,
		"": false, nextID: false, ".a": false, "-a": false, "_a": false, "a/b": false, "a b": false, "a%": false, "ä": false, "a\n": false, "a\x80": false, strings.Repeat("a", 65): false,
	} {
		if got := ValidImageID(id); got != want {
			t.Errorf("%q: %t", id, got)
		}
	}
}
