//go:build bench

package dhcp_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/bootward/bootward/appliance/pxe"
)

// serveHere makes the test binary our server, as a process of its own beside the
// generator.
const serveHere = "BOOTWARD_BENCH_SERVE"

// How long each of the eight measurements takes, and what is asked of us.
const (
	measured   = 4 * time.Second
	underLoad  = 64 // questions on the way
	loadGoal   = 3.0
	singleGoal = 1.0
)

// TestPeers measures offers to UEFI PXE clients by us and by dnsmasq as a proxy, in
// turn: A B A B, each time with a fresh process. Both log each transaction to a file
// that keeps nothing. Run it by scripts/bench dhcp.
func TestPeers(t *testing.T) {
	seg := nstest.Enter(t)
	if seg == nil {
		return
	}
	if os.Getenv(serveHere) != "" {
		serve(t)
		return
	}
	direct(t, seg)
	peers := []peer{{"bootward", bootward}, {"dnsmasq", dnsmasqProxy}}
	fmt.Printf("| %-10s %-6s %12s %12s %8s %14s %12s\n", "server", "asked", "offers/s", "mean µs", "lost", "CPU µs/offer", "asking")
	total := map[string]result{}
	for _, clients := range []int{1, underLoad} {
		for range 2 {
			for _, p := range peers {
				r := p.measure(t, seg, clients)
				total[fmt.Sprint(p.name, clients)] = total[fmt.Sprint(p.name, clients)].plus(r)
				fmt.Printf("| %-10s %-6d %12.0f %12.1f %8d %14.1f %12.1f\n", p.name, clients, r.rate(), 1e6*float64(clients)/r.rate(), r.lost, r.each(r.server), r.each(r.asker))
			}
		}
	}
	judge(total)
}

// judge prints which goals are met, and where the time went where one is missed.
func judge(total map[string]result) {
	met := 0
	for _, g := range []struct {
		clients int
		goal    float64
	}{{1, singleGoal}, {underLoad, loadGoal}} {
		ours, theirs := total[fmt.Sprint("bootward", g.clients)], total[fmt.Sprint("dnsmasq", g.clients)]
		ratio := ours.rate() / theirs.rate()
		word := "missed"
		if ratio >= g.goal {
			met, word = met+1, "met"
		}
		fmt.Printf("| goal: offers per second with %d asked at once, over dnsmasq's: %.2f, wanted at least %.1f: %s\n", g.clients, ratio, g.goal, word)
		if word == "missed" {
			fmt.Printf("|       %s; %s\n", ours.spent("ours"), theirs.spent("dnsmasq's"))
		}
	}
	fmt.Printf("| goals met: %d of 2\n", met)
}

// cable joins box and client without the switch, whose copies of each broadcast would
// be measured as well.
const cable = "eth1"

func direct(t *testing.T, seg *nstest.Segment) {
	seg.Connect(t, "box", "client", cable)
	for _, host := range []string{"box", "client"} {
		seg.IP(t, host, "link", "set", nstest.Link, "down")
		seg.IP(t, host, "route", "add", "255.255.255.255/32", "dev", cable)
	}
	seg.IP(t, "box", "addr", "flush", "dev", nstest.Link)
	seg.IP(t, "box", "addr", "add", nstest.BoxAddr+"/24", "dev", cable)
}

type peer struct {
	name    string
	command func(t *testing.T, seg *nstest.Segment) *exec.Cmd
}

// measure runs the server, and asks until it answers, then for the measured time.
func (p peer) measure(t *testing.T, seg *nstest.Segment, clients int) result {
	t.Helper()
	cmd := p.command(t, seg)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	g := newGenerator(t, seg, clients)
	defer g.close()
	for begun := time.Now(); g.run(t, 100*time.Millisecond).answers == 0; {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%s does not answer", p.name)
		}
	}
	before := cpuTime(t, cmd.Process.Pid)
	r := g.run(t, measured)
	r.server = cpuTime(t, cmd.Process.Pid) - before
	return r
}

func bootward(t *testing.T, seg *nstest.Segment) *exec.Cmd {
	cmd := seg.Command(t, "box", os.Args[0], "-test.run=^TestPeers$")
	cmd.Env = append(os.Environ(), serveHere+"=1")
	return cmd
}

func dnsmasqProxy(t *testing.T, seg *nstest.Segment) *exec.Cmd {
	return seg.Command(t, "box", "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--port=0", "--interface="+cable,
		"--bind-interfaces", "--dhcp-range=192.168.77.0,proxy", "--pxe-service=X86-64_EFI,boot,linux-x64/uki.efi",
		"--user=root", "--log-facility=/dev/null", "--pid-file=")
}

// serve is our server as a box runs it: with the boot decision, and a log.
func serve(t *testing.T) {
	socks, err := dhcp.Listen(cable)
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	box := pxe.Server{HTTPPort: 80, BoxID: "CEN00001", SiteCode: "CEN"}
	intent := pxe.Intent{Action: pxe.Boot, Image: pxe.Image{ID: "linux-x64"}, Reason: "benchmark"}
	s := &dhcp.Server{
		Sockets: socks, Log: slog.New(slog.NewTextHandler(null, nil)), Observe: func(dhcp.Event) {},
		Address: func() netip.Addr { return netip.MustParseAddr(nstest.BoxAddr) },
		Handler: pxe.Handler(func(context.Context, pxe.Machine) pxe.Intent { return intent }, box),
	}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}
