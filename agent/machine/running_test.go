package machine

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/agent/share"
	"github.com/bootward/bootward/rootfs/network"
)

func TestResolvConf(t *testing.T) {
	servers, search := resolvConf("# x\nnameserver 127.0.0.53\nnameserver 10.1.2.1\nnameserver fe80::1%eth0\noptions edns0\nsearch ward.example .\n")
	if len(servers) != 2 || servers[0] != netip.MustParseAddr("10.1.2.1") || !reflect.DeepEqual(search, []string{"ward.example"}) {
		t.Errorf("%v, %q", servers, search)
	}
}

func TestLinks(t *testing.T) {
	mac, dns := net.HardwareAddr{2, 0, 0, 0, 0, 1}, []netip.Addr{netip.MustParseAddr("10.1.2.1")}
	static := []netip.Prefix{netip.MustParsePrefix("10.1.2.3/24")}
	got := links([]network.Setup{
		{Link: network.Link{MAC: mac}, Static: static, Gateways: []netip.Addr{netip.MustParseAddr("10.1.2.1"), netip.MustParseAddr("fe80::1")}},
		{Link: network.Link{MAC: mac}, Gateways: dns},
	}, dns, []string{"ward.example"})
	want := []settings.Link{{MAC: mac, Addresses: static, Gateways: dns, DNS: dns, Search: []string{"ward.example"}}, {MAC: mac, DHCP: true}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestRunning: the system that the test runs in can be looked at.
func TestRunning(t *testing.T) {
	c, err := Running{}.Settings()
	if m := (Running{}).Readiness(); err != nil || c.HostName == "" || m.Disk <= 0 {
		t.Errorf("%+v, %v, %+v", c, err, m)
	}
	if _, err := (Running{}).Network(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestConnectRefuses: a folder that holds something is not hidden, and a server that is not there is said to be so.
func TestConnectRefuses(t *testing.T) {
	v, dir := &Volumes{}, t.TempDir()
	s := share.Share{Host: "127.255.255.254", Folder: "x"}
	if err := v.Connect(t.Context(), s, filepath.Join(dir, "new")); err == nil || !strings.Contains(err.Error(), "connect to //127.255.255.254/x: the server does not answer on TCP port 445") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := v.Connect(t.Context(), s, dir); err == nil || !strings.Contains(err.Error(), "is not empty") || len(v.mounted) > 0 {
		t.Errorf("%v", err)
	}
}

// TestUnmount: what is no share stays while it is used.
func TestUnmount(t *testing.T) {
	at := t.TempDir()
	if err := unix.Mount("none", at, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(at, "used"))
	if err != nil {
		t.Fatal(err)
	}
	v := &Volumes{mounted: []mounted{{"none", at}}}
	if err := v.Unmount(at); err == nil {
		t.Error("a volume that is used was taken away")
	}
	f.Close()
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}
