//go:build system

package systemtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/httpboot"
	"github.com/bootward/bootward/appliance/network"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/selftest"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/appliance/tftp"
	"github.com/bootward/bootward/osd"
)

const (
	bootDeadline = 6 * time.Minute // generous: the table tells what it took
	bootImage    = "img"
)

// bootBoxRig is the protocol servers of a box with a decision that is given.
type bootBoxRig struct {
	dir    string
	log    *slog.Logger
	images map[string]map[string][]byte // files by architecture

	mu      sync.Mutex
	present bootRow
	image   pxe.Image
	told    map[string]bool // what the events said, of the present row
	alarms  []string        // of other servers, in all rows: each is raised once
	asked   []string        // the ways in which it asked, in words
	tries   int             // how often it asked on port 67
	agent   bool            // its agent called
	marks   []time.Time     // when it was answered, was sent a file, or took an address
	news    chan struct{}
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// newBootBox starts the servers on this host, until the test ends.
func newBootBox(t *testing.T, mode string) *bootBoxRig {
	b := &bootBoxRig{dir: filepath.Join(provided(t, "BOOTWARD_CACHE"), "..", "boots"), log: testLog(t),
		images: map[string]map[string][]byte{}, news: make(chan struct{}, 1)}
	ctx := t.Context()
	open := dhcp.Listen
	if mode == mode4011 {
		open = dhcp.ListenProxy
	}
	sockets, err := open("eth0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr(boxAddress(mode))
	d := &dhcp.Server{Sockets: sockets, Address: func() netip.Addr { return addr }, Log: b.log, Observe: b.observe, RelayedOnly: relayed(mode),
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
	mux.Handle("/boot/", &httpboot.Handler{Open: b.openHTTP, Log: b.log, Done: func(httpboot.Transfer) { b.sent() }})
	router := &network.Advertiser{Interface: "eth0", Log: b.log}
	if err := router.Listen(ctx); err != nil {
		t.Fatal(err)
	}
	watcher := &selftest.Watcher{Interface: "eth0", Rivals: &selftest.Rivals{}, Known: func() []string { return nil }, Now: time.Now, Heard: b.overheard,
		Appeared: b.appeared, Gone: func(selftest.Rival) {}, Network: func() network.Snapshot {
			s, err := network.Read()
			if err != nil {
				t.Error(err)
			}
			return s
		}}
	for name, run := range map[string]func(context.Context) error{
		"dhcp": d.Run, "watcher": watcher.Run, "tftp": (&tftp.Server{Conn: conn, Open: b.openTFTP, Log: b.log}).Run,
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

func (b *bootBoxRig) intent(ctx context.Context, _ pxe.Machine) pxe.Intent {
	b.mu.Lock()
	row, image := b.present, b.image
	b.mu.Unlock()
	if row.late > 0 { // a box that is busy
		select {
		case <-time.After(row.late):
		case <-ctx.Done():
		}
	}
	if row.next {
		return pxe.Intent{Action: pxe.NextDevice, Reason: "nothing is advertised, and policy says abort"}
	}
	return pxe.Intent{Action: pxe.Boot, Image: image, Reason: "as the row says"}
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
	if !ok || b.present.lacks {
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
		if r.ImageID == "next" {
			return httpboot.File{Content: strings.NewReader(pxe.NextScript())}, nil
		}
		line, err := b.read("cmdline")
		if err != nil {
			return httpboot.File{}, err
		}
		script, err := pxe.BootScript(pxe.Server{Address: r.Local}, bootImage, r.MAC, 0, strings.Fields(string(line)))
		return httpboot.File{Content: strings.NewReader(script)}, err
	case pxe.Only32Name:
		return httpboot.File{Content: strings.NewReader(pxe.Only32Script())}, nil
	}
	data, err := b.read(r.ImageID + "/" + r.Name)
	return httpboot.File{Content: bytes.NewReader(data)}, err
}

// prepare sets the servers to a row.
func (b *bootBoxRig) prepare(ctx context.Context, t *testing.T, r bootRow) {
	if b.images[r.arch()] == nil {
		b.images[r.arch()] = bootFiles(ctx, t, r.arch())
	}
	if r.windows {
		b.standIns(t, b.images[r.arch()])
	}
	b.offer(r)
}

// offer has the box answer as the row says, from here on.
func (b *bootBoxRig) offer(r bootRow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.present, b.image = r, pxe.Image{ID: bootImage, Architecture: r.arch()}
	b.asked, b.told, b.tries, b.agent, b.marks = nil, map[string]bool{}, 0, false, nil
	if r.shim {
		b.image.Loader = osd.LoaderShim
	}
	if r.windows {
		b.image.Windows = &osd.WindowsBoot{File: "sources/boot.wim"}
	}
}
