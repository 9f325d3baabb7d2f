package appliance

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/tftp"
	"github.com/bootward/bootward/osd"
)

func windowsImages() []osd.BootImage {
	return []osd.BootImage{
		{Meta: osd.Meta{ID: "CEN0000A", Name: "linux-x64"}},
		{Meta: osd.Meta{ID: "CEN0000B", Name: "winpe"}, Windows: &osd.WindowsBoot{File: "sources/boot.wim", WindowSize: 8}},
		{Meta: osd.Meta{ID: "CEN0000C", Name: "other"}, Windows: &osd.WindowsBoot{File: "sources/boot.wim"}},
	}
}

// serveWindows runs a TFTP server with files of boot images by ID/file, each of
// which holds its own name.
func serveWindows(t *testing.T, names ...string) netip.AddrPort {
	t.Helper()
	conn, err := tftp.Listen(t.Context(), "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	open := func(_ context.Context, id, file string) (io.ReadSeekCloser, int64, error) {
		for _, n := range names {
			if n == id+"/"+file {
				b := bytes.Repeat([]byte(n+"\n"), 700)
				return nopCloser{bytes.NewReader(b)}, int64(len(b)), nil
			}
		}
		return nil, 0, fs.ErrNotExist
	}
	var w windowsFiles
	s := &tftp.Server{Conn: conn, Log: slog.New(slog.DiscardHandler),
		Open: func(ctx context.Context, client netip.Addr, name string) (io.ReadSeekCloser, int64, error) {
			i, file := w.find(windowsImages(), client, name)
			if i == nil {
				return nil, 0, fs.ErrNotExist
			}
			return openWindowsFile(ctx, i, file, open)
		}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// fetch asks as the boot manager does: for the size alone, which it breaks off, and
// then for the file with its options. It returns what came and the window in force.
func fetch(t *testing.T, at netip.AddrPort, name string) (string, string, error) {
	t.Helper()
	size, options, err := request(t, at, "\x00\x01"+name+"\x00octet\x00tsize\x000\x00", true)
	if err != nil {
		return "", "", err
	}
	got, options, err := request(t, at, "\x00\x01"+name+"\x00octet\x00blksize\x001456\x00tsize\x000\x00windowsize\x0016\x00", false)
	if err == nil && fmt.Sprint(len(got)) != options["tsize"] {
		t.Errorf("%s: %d bytes, size %s, tsize %q", name, len(got), size, options["tsize"])
	}
	return got, options["windowsize"], err
}

var errNotFound = errors.New("file not found")

// request sends a read request, byte for byte, and plays the client's part.
func request(t *testing.T, at netip.AddrPort, packet string, probe bool) (string, map[string]string, error) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IP{127, 0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	send := func(to netip.AddrPort, b string) {
		if _, err := c.WriteToUDPAddrPort([]byte(b), to); err != nil {
			t.Fatal(err)
		}
	}
	send(at, packet)
	options := map[string]string{}
	var got []byte
	for next, buf := uint16(1), make([]byte, 2048); ; {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatalf("%q: %v", packet, err)
		}
		switch b := buf[:n]; binary.BigEndian.Uint16(b) {
		case 5:
			if code := binary.BigEndian.Uint16(b[2:]); code != 1 {
				t.Fatalf("%q: error %d", packet, code)
			}
			return "", nil, errNotFound
		case 6:
			words := strings.Split(strings.TrimSuffix(string(b[2:]), "\x00"), "\x00")
			for i := 0; i+1 < len(words); i += 2 {
				options[words[i]] = words[i+1]
			}
			if probe {
				send(from, "\x00\x05\x00\x08User aborted the transfer\x00")
				return options["tsize"], options, nil
			}
			send(from, "\x00\x04\x00\x00")
		case 3:
			if binary.BigEndian.Uint16(b[2:]) != next {
				continue
			}
			got = append(got, b[4:]...)
			last := len(b) < 4+1456
			if last || next%16 == 0 {
				send(from, "\x00\x04"+string(b[2:4]))
			}
			if last {
				return string(got), options, nil
			}
			next++
		}
	}
}

// TestBootManager asks for what the boot managers ask for, in their order and with
// their spelling, for BIOS and for UEFI.
func TestBootManager(t *testing.T) {
	names := []string{"CEN0000C/boot/bootmgr.exe"}
	for _, f := range []string{"boot/pxeboot.n12", "boot/bootmgr.exe", "boot/boot.sdi", "boot/fonts/wgl4_boot.ttf", "efi/bootmgfw.efi", "efi/boot.stl", "sources/boot.wim"} {
		names = append(names, "CEN0000B/"+f)
	}
	at := serveWindows(t, names...)
	if _, _, err := fetch(t, at, `\Boot\Fonts\wgl4_boot.ttf`); !errors.Is(err, errNotFound) {
		t.Errorf("a machine that asked for nothing before got a font: %v", err)
	}
	for _, tt := range []struct{ name, want string }{
		{`CEN0000B\boot\pxeboot.n12`, "boot/pxeboot.n12"},
		{`CEN0000B\boot\bootmgr.exe`, "boot/bootmgr.exe"},
		{`bootmgr.exe`, "boot/bootmgr.exe"},
		{`\CEN0000B\boot\Fonts\wgl4_boot.ttf`, "boot/fonts/wgl4_boot.ttf"},
		{`\Boot\Fonts\WGL4_BOOT.TTF`, "boot/fonts/wgl4_boot.ttf"},
		{`\boot.ini`, ""},
		{`\hiberfil.sys`, ""},
		{`\CEN0000B\boot\bcd`, "BIOS"},
		{`\Boot\BCD`, "BIOS"},
		{`\Boot\en-US\bootmgr.exe.mui`, ""},
		{`\CEN0000B\boot\boot.sdi`, "boot/boot.sdi"},
		{`\CEN0000B\sources\boot.wim`, "sources/boot.wim"},
		{`CEN0000B\efi\bootmgfw.efi`, "efi/bootmgfw.efi"},
		{`\Boot\BCD`, "UEFI"},
		{`\CEN0000B\efi\bcd`, "UEFI"},
		{`\EFI\Microsoft\Boot\BCD`, "UEFI"},
		{`\EFI\Microsoft\Boot\boot.stl`, "efi/boot.stl"},
		{`\EFI\Microsoft\Boot\Fonts\wgl4_boot.ttf`, "boot/fonts/wgl4_boot.ttf"},
		{`\..\CEN0000C\boot\bootmgr.exe`, ""},
		{`CEN0000A\uki.efi`, ""}, // of another kind: the machine starts Linux now
		{`\Boot\BCD`, ""},
	} {
		got, window, err := fetch(t, at, tt.name)
		if (tt.want == "") != errors.Is(err, errNotFound) {
			t.Errorf("%s: %v", tt.name, err)
		}
		switch tt.want {
		case "":
			continue
		case "BIOS", "UEFI":
			file := map[string]string{"BIOS": pxe.WindowsBIOSBCD, "UEFI": pxe.WindowsUEFIBCD}[tt.want]
			want, err := bootData(&windowsImages()[1], file)
			if err != nil || got != string(want) {
				t.Errorf("%s: is not the BCD of %s (%v)", tt.name, tt.want, err)
			}
		default:
			if !strings.HasPrefix(got, "CEN0000B/"+tt.want+"\n") {
				t.Errorf("%s: %.40q, want %s", tt.name, got, tt.want)
			}
		}
		if window != "16" {
			t.Errorf("%s: window %q", tt.name, window)
		}
	}
}

// TestBootData: the BCD tells what policy says of blocks and windows, 1456 and 16 if it
// says nothing, and paths that the box finds again.
func TestBootData(t *testing.T) {
	for image, window := range map[int]uint64{1: 8, 2: 16} {
		bootDataHolds(t, &windowsImages()[image], window)
	}
}

func bootDataHolds(t *testing.T, image *osd.BootImage, window uint64) {
	b, err := bootData(image, pxe.WindowsUEFIBCD)
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) []byte {
		var b []byte
		for _, c := range s {
			b = binary.LittleEndian.AppendUint16(b, uint16(c))
		}
		return b
	}
	for _, want := range [][]byte{
		text(`\` + image.ID + `\sources\boot.wim`), text(`\` + image.ID + `\boot\boot.sdi`), text("winload.efi"),
		binary.LittleEndian.AppendUint64(nil, 1456), binary.LittleEndian.AppendUint64(nil, window),
	} {
		if !bytes.Contains(b, want) {
			t.Errorf("the BCD of %s holds no %q", image.Name, want)
		}
	}
}

func TestMachinesThatAskAreForgotten(t *testing.T) {
	var w windowsFiles
	a := netip.MustParseAddr("10.0.0.0")
	for range 3 * maxAsked {
		if i, _ := w.find(windowsImages(), a, "cen0000b/boot/boot.sdi"); i == nil {
			t.Fatal("an ID was not found")
		}
		if n := w.last.Len(); n > maxAsked {
			t.Fatalf("%d machines are remembered", n)
		}
		a = a.Next()
	}
}

// FuzzWindowsName: whatever is asked for, in whatever order, is a file of a boot image
// of Windows, a BCD, or not there.
func FuzzWindowsName(f *testing.F) {
	for _, n := range []string{`CEN0000B\boot\pxeboot.n12`, `\Boot\BCD`, `\EFI\Microsoft\Boot\BCD`, `CEN0000A/uki.efi`, `\..\x`, `cen0000b`, `bcd`, `cen0000c//efi/./bcd`} {
		f.Add(n, `CEN0000B\efi\bootmgfw.efi`)
	}
	var w windowsFiles
	client := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, name, before string) {
		for _, n := range []string{before, name} {
			n, err := tftp.Normalise(n)
			if err != nil {
				continue
			}
			i, file := w.find(windowsImages(), client, n)
			if i == nil {
				continue
			}
			if i.Windows == nil {
				t.Fatalf("%q is of boot image %s", n, i.Name)
			}
			got, size, err := openWindowsFile(t.Context(), i, file, func(_ context.Context, id, file string) (io.ReadSeekCloser, int64, error) {
				if id != i.ID || slices.Contains(strings.Split(file, "/"), "..") || strings.HasPrefix(file, "/") {
					t.Fatalf("%q opens %s %q", n, id, file)
				}
				return nil, 0, fs.ErrNotExist
			})
			if err == nil {
				head := make([]byte, 4)
				if _, err := io.ReadFull(got, head); err != nil || string(head) != "regf" || size%4096 != 0 {
					t.Fatalf("%q: BCD of %d bytes, %v", n, size, err)
				}
			} else if !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("%q: %v", n, err)
			}
		}
	})
}
