package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/wizard"
	"github.com/bootward/bootward/rootfs/network"
)

// cable puts the test, on a thread of its own, into a network namespace with one adapter.
func cable(t *testing.T) {
	t.Helper()
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	name := fmt.Sprintf("bwa%d", os.Getpid()%10000)
	run("netns", "add", name)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	run("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "far0")
	run("-n", name, "link", "set", "far0", "up")
	runtime.LockOSThread() // the thread is never given back
	f, err := os.Open("/run/netns/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
}

// TestSettingsAreTried: what works stays; what does not gives way to what was there.
func TestSettingsAreTried(t *testing.T) {
	cable(t)
	var work sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer work.Wait()
	defer cancel()
	n := newNets(ctx, slog.New(slog.DiscardHandler), &work)
	has := func() (addresses []string) {
		for _, a := range n.adapters(ctx) {
			if a.Name == "eth0" {
				addresses = a.Addresses
			}
		}
		return addresses
	}
	static := func(address, gateway string) wizard.Settings {
		return wizard.Settings{Adapter: "eth0", Address: netip.MustParsePrefix(address), Gateway: netip.MustParseAddr(gateway)}
	}
	away := errors.New("no route to host")
	for _, tt := range []struct {
		name    string
		s       wizard.Settings
		answers error
		want    []string
	}{
		{"the box answers", static("192.0.2.7/24", "192.0.2.1"), nil, []string{"192.0.2.7/24"}},
		{"it does not", static("198.51.100.7/24", "198.51.100.1"), away, []string{"192.0.2.7/24"}},
		{"another one that works", static("203.0.113.7/25", "203.0.113.1"), nil, []string{"203.0.113.7/25"}},
		{"the adapter is gone", wizard.Settings{Adapter: "eth9"}, nil, []string{"203.0.113.7/25"}},
	} {
		asked := []string(nil)
		err := n.try(ctx, tt.s, func(context.Context) error { asked = has(); return tt.answers })
		if wrong := tt.answers != nil || tt.s.Adapter == "eth9"; (err != nil) != wrong || tt.answers != nil && !errors.Is(err, away) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := has(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: the adapter has %q, want %q", tt.name, got, tt.want)
		}
		if tt.s.Address.IsValid() && !slices.Equal(asked, []string{tt.s.Address.String()}) {
			t.Errorf("%s: the box was asked from %q", tt.name, asked)
		}
	}
	if !n.up {
		t.Error("a search would wait for a lease")
	}
}

// TestLeasesOfBefore: what a link was given before it is set anew is no answer to that, and the
// lease of another one is not lost.
func TestLeasesOfBefore(t *testing.T) {
	lease := func(link string) leased { return leased{link: network.Link{Name: link}} }
	n := newNets(t.Context(), slog.New(slog.DiscardHandler), new(sync.WaitGroup))
	n.leases <- lease("eth0")
	n.leases <- lease("eth0")
	n.forget("eth0")
	if len(n.leases) > 0 || n.up {
		t.Errorf("%d leases of before, up %v", len(n.leases), n.up)
	}
	n.leases <- lease("eth1")
	n.leases <- lease("eth0")
	if err := n.wait(t.Context(), "eth0"); err != nil || !n.up {
		t.Errorf("%v, up %v: a search would wait for the next lease of eth1", err, n.up)
	}
}
