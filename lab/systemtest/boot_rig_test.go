//go:build system

package systemtest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/httpboot"
	"github.com/bootward/bootward/appliance/network"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/appliance/tftp"
	"github.com/bootward/bootward/board"
	"github.com/bootward/bootward/bootimg"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/rootfs"
)

const (
	bootDeadline = 6 * time.Minute // generous: the table tells what it took
	bootImage    = "img"
)

// bootBoards are the boot images by architecture: board, and the kit beside the x64 one.
var bootBoards = map[string]struct{ board, kit, parameters string }{
	osd.ArchX64:   {"qemu-x86_64", "", "no_timer_check"},
	osd.ArchARM64: {"uefi-arm64", "-arm64", ""},
}

// bootBoxRig is the protocol servers of a box with a decision that is given.
type bootBoxRig struct {
	dir    string
	log    *slog.Logger
	images map[string]map[string][]byte // files by architecture

	mu    sync.Mutex
	image pxe.Image
	told  map[string]bool // what the events said, of the present row
	asked string          // the first machine's words
	news  chan struct{}
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// newBootBox starts the servers on this host, until the test ends.
func newBootBox(t *testing.T, mode string) *bootBoxRig {
	b := &bootBoxRig{dir: filepath.Join(provided(t, "BOOTWARD_CACHE"), "..", "boots"), log: testLog(t),
		images: map[string]map[string][]byte{}, news: make(chan struct{}, 1)}
	ctx := t.Context()
	sockets, err := dhcp.Listen("eth0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr(bootBox)
	d := &dhcp.Server{Sockets: sockets, Address: func() netip.Addr { return addr }, Log: b.log, Observe: b.observe,
		Handler: pxe.Handler(b.intent, pxe.Server{BoxID: "BOX", SiteCode: "CEN"})}
	if mode == modeDHCP {
		d.Mode, d.Leases = dhcp.DHCP, dhcp.Pools{b.pool(t)}
	}
	conn, err := tftp.Listen(ctx, "0.0.0.0:69", "")
	if err != nil {
		t.Fatal(err)
	}
	l, err := httpboot.Listen(ctx, "0.0.0.0:80")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/boot/", &httpboot.Handler{Open: b.openHTTP, Log: b.log})
	router := &network.Advertiser{Interface: "eth0", Log: b.log}
	if err := router.Listen(ctx); err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(context.Context) error{
		"dhcp": d.Run, "tftp": (&tftp.Server{Conn: conn, Open: b.openTFTP, Log: b.log}).Run,
		"http": (&httpboot.Server{Listener: l, Handler: mux}).Run, "router": router.Run,
	} {
		go func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("%s: %v", name, err)
			}
		}()
	}
	return b
}

func (b *bootBoxRig) pool(t *testing.T) *dhcp.Pool {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"), b.log, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	at := func(last byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, last}) }
	p, err := dhcp.OpenPool(t.Context(), dhcp.Range{First: at(100), Last: at(199), Subnet: netip.MustParsePrefix("10.77.0.0/24")}, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (b *bootBoxRig) intent(context.Context, pxe.Machine) pxe.Intent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return pxe.Intent{Action: pxe.Boot, Image: b.image, Reason: "as the row says"}
}

// observe keeps what the machine asked by, and every word of the answers.
func (b *bootBoxRig) observe(e dhcp.Event) {
	if len(e.Why) == 0 || !strings.HasPrefix(e.Why[0], "architecture") {
		return
	}
	b.mu.Lock()
	if b.asked == "" {
		b.asked = e.Why[0]
	}
	b.told[strings.Join(e.Why, "; ")] = true
	b.mu.Unlock()
	select {
	case b.news <- struct{}{}:
	default:
	}
}

func (b *bootBoxRig) read(name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	files := b.images[b.image.Architecture]
	if pxe.IsGRUBConfig(name) {
		text, err := pxe.GRUBConfig(bootImage, strings.Fields(string(files["cmdline"])))
		return []byte(text), err
	}
	data, ok := files[strings.TrimPrefix(name, bootImage+"/")]
	if !ok {
		return nil, fmt.Errorf("boot file %s: %w", name, fs.ErrNotExist)
	}
	return data, nil
}

type closing struct{ *bytes.Reader }

func (closing) Close() error { return nil }

func (b *bootBoxRig) openTFTP(_ context.Context, _ netip.Addr, name string) (io.ReadSeekCloser, int64, error) {
	data, err := b.read(name)
	return closing{bytes.NewReader(data)}, int64(len(data)), err
}

func (b *bootBoxRig) openHTTP(_ context.Context, r httpboot.Request) (httpboot.File, error) {
	switch r.Name {
	case "boot.ipxe":
		line, err := b.read("cmdline")
		if err != nil {
			return httpboot.File{}, err
		}
		script, err := pxe.BootScript(pxe.Server{Address: r.Local}, bootImage, r.MAC, 0, strings.Fields(string(line)))
		return httpboot.File{Content: strings.NewReader(script)}, err
	case pxe.Only32Name:
		return httpboot.File{Content: strings.NewReader(pxe.Only32Script())}, nil
	}
	data, err := b.read(r.Name)
	return httpboot.File{Content: bytes.NewReader(data)}, err
}

// prepare makes the boot image of a row, once for each architecture.
func (b *bootBoxRig) prepare(ctx context.Context, t *testing.T, r bootRow) {
	arch := cmp.Or(r.image, osd.ArchX64)
	if b.images[arch] == nil {
		b.images[arch] = buildImage(ctx, t, bootBoards[arch].board, provided(t, "BOOTWARD_KIT")+bootBoards[arch].kit, bootBoards[arch].parameters)
	}
	b.offer(r)
}

// offer has the box answer as the row says, from here on.
func (b *bootBoxRig) offer(r bootRow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.image, b.asked, b.told = pxe.Image{ID: bootImage, Architecture: cmp.Or(r.image, osd.ArchX64)}, "", map[string]bool{}
	if r.shim {
		b.image.Loader = osd.LoaderShim
	}
}

// buildImage makes the files of a boot image by their names.
func buildImage(ctx context.Context, t *testing.T, name, dir, parameters string) map[string][]byte {
	t.Helper()
	kit, err := rootfs.OpenKit(dir)
	if err != nil {
		t.Fatal(err)
	}
	on, err := board.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	a, err := bootimg.BuildLinux(ctx, kit, bootimg.Options{SiteTrust: []byte("{}"), CommandLine: parameters, Board: on})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{bootimg.KernelName: a.Kernel, bootimg.InitrdName: a.Initrd, bootimg.UKIName: a.UKI, "cmdline": []byte(a.CommandLine),
		bootimg.ShimName: a.Chain.Shim, bootimg.GRUBName: a.Chain.GRUB}
	if kit.Has("ipxe/undionly.kpxe") {
		if files["undionly.kpxe"], err = kit.Read("ipxe/undionly.kpxe"); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// config is the machine of a row, the nth.
func (r bootRow) config(n int, dir string) machine.Config {
	return machine.Config{
		Name: r.name(), Dir: dir, Namespace: "bw-" + bootSegment, Firmware: r.firmware, Only32Bit: r.only32, HTTPBoot: r.http,
		BootOrder: machine.NetworkFirst, MemoryMiB: 1536, CPUs: 2, NoReboot: true,
		NICs: []machine.NIC{{Tap: bootTap, MAC: fmt.Sprintf("52:54:00:77:02:%02x", n), Model: r.nic,
			NoROM: r.firmware != machine.BIOS && r.nic == machine.VirtIO}},
	}
}

// row switches one machine on, waits until its agent is started or it is told why it
// is not, and adds a line to the table.
func (b *bootBoxRig) row(ctx context.Context, t *testing.T, n int, r bootRow) {
	b.prepare(ctx, t, r)
	dir := filepath.Join(b.dir, r.name())
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	m, err := machine.Start(ctx, r.config(n, dir), b.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		m.Kill()
		<-m.Done()
	}()
	took, err := b.outcome(ctx, m, r)
	result := "agent started"
	switch {
	case err != nil:
		result = "FAILED"
		t.Error(err)
	case r.told != "":
		result = "told: " + r.told
	}
	b.mu.Lock()
	asked := b.asked
	b.mu.Unlock()
	if asked == "" {
		t.Error("the machine asked nothing")
	}
	firmware, rest, _ := strings.Cut(r.name(), "-"+r.nic+"-")
	b.write(t, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", firmware, r.nic, rest, asked, took, result))
}

// outcome is the time from power-on to the agent, or "" when the machine was told.
func (b *bootBoxRig) outcome(ctx context.Context, m *machine.Machine, r bootRow) (string, error) {
	switch {
	case r.told == "":
		line, err := m.WaitSerial(ctx, 0, agentStarted)
		return fmt.Sprintf("%.1f", line.At.Seconds()), err
	case r.only32 || r.firmware == machine.UEFISecure: // on its screen
		_, err := m.WaitSerial(ctx, 0, regexp.MustCompile(regexp.QuoteMeta(r.told)))
		return "-", err
	}
	for {
		b.mu.Lock()
		for words := range b.told {
			if strings.Contains(words, r.told) {
				b.mu.Unlock()
				return "-", nil
			}
		}
		b.mu.Unlock()
		select {
		case <-b.news:
		case <-m.Done():
			return "-", fmt.Errorf("%s went off", r.name())
		case <-ctx.Done():
			return "-", fmt.Errorf("%s: it was not told %q: %w", r.name(), r.told, ctx.Err())
		}
	}
}

func (b *bootBoxRig) write(t *testing.T, line string) {
	fmt.Print(line)
	f, err := os.OpenFile(os.Getenv(envTable), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(line)
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		t.Error(err)
	}
}
