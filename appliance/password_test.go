package appliance

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/distributionpoint"
	"github.com/bootward/bootward/appliance/httpboot"
	"github.com/bootward/bootward/appliance/managementpoint"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

// TestNothingBeforeBootDependsOnThePassword: what a box gives to firmware is the
// same to the byte with a PXE password, with another one, and without: there is
// nothing that somebody could take home and try passwords on.
func TestNothingBeforeBootDependsOnThePassword(t *testing.T) {
	dir, manifest := bootImage(t)
	served := func(passwords ...string) []byte {
		s := &policy.Snapshot{Format: 1, Box: osd.Box{PXE: osd.PXE{UnknownComputers: true}},
			Computers:  []osd.Computer{{Meta: osd.Meta{ID: "C1", Name: "pc1"}, MACs: []string{"52:54:00:77:00:11"}}},
			BootImages: []osd.BootImage{{Meta: osd.Meta{ID: "CEN00003"}, Content: osd.Content{Manifest: manifest}}},
			Sequences:  []policy.Sequence{{ID: "S1", Name: "S", Digest: "d", BootImage: "CEN00003"}},
			Advertisements: []osd.Advertisement{{Meta: osd.Meta{ID: "A1", Name: "Choose"}, Collection: osd.AllSystems, Sequence: "S"},
				{Meta: osd.Meta{ID: "A2", Name: "Strangers"}, Collection: osd.UnknownComputers, Sequence: "S"}}}
		for i, p := range passwords {
			s.Sealed = append(s.Sealed, policy.Sealed{Kind: policy.SealedPassword, Revision: int64(i + 1), Ciphertext: []byte(trust.NewVerifier(p))})
		}
		return serveAll(t, dir, s)
	}
	without := served()
	if len(without) < 1000 {
		t.Fatalf("only %d bytes were served: the test looks at nothing", len(without))
	}
	for _, p := range []string{"short", "correct horse battery staple"} {
		if !bytes.Equal(without, served(p)) {
			t.Errorf("what is served differs when the password is %q", p)
		}
	}
}

// bootImage puts a boot image into a directory of content.
func bootImage(t *testing.T) (*content.Directory, string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tree := t.TempDir()
	for _, name := range []string{"vmlinuz", "initrd", "uki.efi", "cmdline", pxe.GRUBName, distributionpoint.LoaderName} {
		check(os.WriteFile(filepath.Join(tree, name), bytes.Repeat([]byte(name), 100), 0o644))
	}
	dir, err := content.OpenDirectory(t.TempDir())
	check(err)
	m, err := dir.ImportTree(t.Context(), tree, nil)
	check(err)
	payload, err := json.Marshal(m)
	check(err)
	_, key, err := ed25519.GenerateKey(nil)
	check(err)
	envelope, err := json.Marshal(trust.Sign(trust.TypeManifest, payload, key))
	check(err)
	digest := content.Digest(payload)
	check(dir.PutManifest(digest, envelope))
	return dir, digest
}

// serveAll is everything that firmware and loaders get from a box: answers of
// DHCP, files over TFTP and over HTTP.
func serveAll(t *testing.T, dir *content.Directory, s *policy.Snapshot) []byte {
	t.Helper()
	memory, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"), slog.New(slog.DiscardHandler), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	library := distributionpoint.NewLibrary(dir)
	b := &Box{o: Options{Config: Default()}, store: memory, library: library,
		files: &distributionpoint.BootFiles{Library: library, Images: func() []osd.BootImage { return s.BootImages }, OnBad: func(string) {}},
		point: &managementpoint.Point{Store: memory, Policy: func() *policy.Snapshot { return s }, Complete: library.Complete, Now: time.Now,
			Unseal: func(v policy.Sealed) ([]byte, error) { return v.Ciphertext, nil }, Log: slog.New(slog.DiscardHandler)}}
	var all bytes.Buffer
	intent := func(ctx context.Context, m pxe.Machine) pxe.Intent {
		in, _ := b.ExplainBoot(ctx, m)
		return in
	}
	answer := pxe.Handler(intent, pxe.Server{HTTPPort: 80, BoxID: "CEN00001", SiteCode: "CEN"})
	for _, mac := range []string{"52:54:00:77:00:11", "52:54:00:99:00:01"} {
		for _, class := range []string{"PXEClient:Arch:00000:UNDI:002001", "PXEClient:Arch:00007:UNDI:003001", "HTTPClient:Arch:00016:UNDI:003001"} {
			ask := discover(t, mac, class)
			r := answer(t.Context(), dhcp.Packet{Message: ask, Port: dhcp.ServerPort, Server: netip.MustParseAddr("10.77.0.2")})
			fmt.Fprintf(&all, "%s %s %x\n", mac, class, dhcp.Build(ask, r).ToBytes())
		}
	}
	b.readAll(t, &all)
	return all.Bytes()
}

// readAll reads every boot file by each protocol.
func (b *Box) readAll(t *testing.T, all *bytes.Buffer) {
	t.Helper()
	write := func(name string, f io.Reader, err error) {
		fmt.Fprintf(all, "%s %v ", name, err)
		if err == nil {
			text, err := io.ReadAll(f)
			fmt.Fprintf(all, "%x %v", text, err)
		}
		all.WriteByte('\n')
	}
	for _, name := range []string{distributionpoint.LoaderName, "CEN00003/vmlinuz", "CEN00003/initrd", "CEN00003/uki.efi", "CEN00003/cmdline", "grub/grub.cfg", "CEN00003/grubx64.efi", "grub/grub.cfg", "variables.dat", "boot.var", "CEN00003/password"} {
		f, _, err := b.openTFTP(t.Context(), netip.Addr{}, name)
		write("tftp "+name, f, err)
	}
	for _, id := range []string{"CEN00003", "next"} {
		for _, name := range []string{"boot.ipxe", "vmlinuz", "initrd", "uki.efi"} {
			f, err := b.openHTTP(t.Context(), httpboot.Request{ImageID: id, Name: name, Local: netip.MustParseAddr("10.77.0.2")})
			write("http "+id+"/"+name, f.Content, err)
			f, err = b.openHTTP(t.Context(), httpboot.Request{ImageID: id, Name: name, Local: netip.MustParseAddr("10.77.0.2"), Prompt: osd.DefaultPrompt})
			write("http "+id+"/"+name+" prompt", f.Content, err)
		}
	}
}

func discover(t *testing.T, mac, class string) *dhcpv4.DHCPv4 {
	t.Helper()
	hardware, err := net.ParseMAC(mac)
	if err != nil {
		t.Fatal(err)
	}
	m, err := dhcpv4.NewDiscovery(hardware, dhcpv4.WithTransactionID(dhcpv4.TransactionID{1, 2, 3, 4}))
	if err != nil {
		t.Fatal(err)
	}
	m.UpdateOption(dhcpv4.OptClassIdentifier(class))
	return m
}
