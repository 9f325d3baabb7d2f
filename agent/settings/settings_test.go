package settings

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newTree is a system as far as this package looks at it.
func newTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"etc/hostname": "golden\n", "etc/machine-id": "0123456789abcdef0123456789abcdef\n", "var/lib/dbus/machine-id": "x",
		"etc/ssh/ssh_host_rsa_key": "key", "usr/lib/systemd/system/systemd-networkd.service": "",
		"usr/share/zoneinfo/Europe/London": "", "etc/systemd/network/10-bootward-7.network": "old", "etc/systemd/network/50-kept.network": "kept",
	} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestApply(t *testing.T) {
	dir := newTree(t)
	s := Settings{HostName: "WARD-PC-01", Domain: "ward.example", TimeZone: "Europe/London"}
	for range 2 { // it may be repeated
		if err := Apply(dir, s); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, dir, "etc/hostname"); got != "WARD-PC-01\n" {
		t.Errorf("hostname %q", got)
	}
	if got := read(t, dir, "etc/hosts"); !strings.Contains(got, "127.0.1.1\tWARD-PC-01.ward.example WARD-PC-01\n") {
		t.Errorf("hosts:\n%s", got)
	}
	if got := read(t, dir, "etc/machine-id"); got != "" {
		t.Errorf("machine-id %q", got)
	}
	for _, gone := range []string{"var/lib/dbus/machine-id", "etc/ssh/ssh_host_rsa_key", "etc/systemd/network/10-bootward-7.network"} {
		if _, err := os.Lstat(filepath.Join(dir, gone)); err == nil {
			t.Errorf("%s is still there", gone)
		}
	}
	read(t, dir, "etc/systemd/network/50-kept.network")
	if got := read(t, dir, "etc/systemd/network/10-bootward-1.network"); !strings.Contains(got, "Type=ether\nKind=!*") || !strings.Contains(got, "DHCP=yes\nDomains=ward.example") {
		t.Errorf("network:\n%s", got)
	}
	for link, want := range map[string]string{
		"etc/localtime": "/usr/share/zoneinfo/Europe/London",
		"etc/systemd/system/multi-user.target.wants/systemd-networkd.service": "/lib/systemd/system/systemd-networkd.service",
	} {
		if got, err := os.Readlink(filepath.Join(dir, link)); err != nil || got != want {
			t.Errorf("%s → %q, %v", link, got, err)
		}
	}
}

func static() Link {
	return Link{
		MAC: net.HardwareAddr{0x52, 0x54, 0, 1, 2, 3}, Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.2.3/24")},
		Gateways: []netip.Addr{netip.MustParseAddr("10.1.2.1")}, DNS: []netip.Addr{netip.MustParseAddr("10.1.2.1")}, Search: []string{"a.example", "b.example"},
	}
}

func TestLinkFile(t *testing.T) {
	const want = "# Written by the deployment.\n[Match]\nPermanentMACAddress=52:54:00:01:02:03\n\n[Network]\nAddress=10.1.2.3/24\nGateway=10.1.2.1\nDNS=10.1.2.1\nDomains=a.example b.example\n"
	if got := string(static().File()); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := string(Link{MAC: static().MAC, DHCP: true}.File()); !strings.Contains(got, "DHCP=yes\n\n[DHCPv4]\nClientIdentifier=mac\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Settings, *Link)
		want   string
	}{
		{"empty name", func(s *Settings, _ *Link) { s.HostName = "" }, "host name"},
		{"underscore", func(s *Settings, _ *Link) { s.HostName = "ward_pc" }, `"ward_pc"`},
		{"long name", func(s *Settings, _ *Link) { s.HostName = strings.Repeat("a", 64) }, "63"},
		{"newline", func(s *Settings, _ *Link) { s.HostName = "a\nb" }, "host name"},
		{"domain", func(s *Settings, _ *Link) { s.Domain = "a..b" }, "domain"},
		{"zone", func(s *Settings, _ *Link) { s.TimeZone = "../../etc/shadow" }, "time zone"},
		{"zone not there", func(s *Settings, _ *Link) { s.TimeZone = "Mars/Olympus" }, "tzdata"},
		{"gateway", func(_ *Settings, l *Link) { l.Gateways[0] = netip.MustParseAddr("10.9.9.1") }, "gateway 10.9.9.1"},
		{"no address", func(_ *Settings, l *Link) { l.Addresses, l.Gateways = nil, nil }, "neither DHCP"},
		{"no MAC", func(_ *Settings, l *Link) { l.MAC = nil }, "needs the MAC"},
		{"search", func(_ *Settings, l *Link) { l.Search = []string{"a\n[Link]"} }, "search domain"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := static()
			s := Settings{HostName: "pc"}
			tt.change(&s, &l)
			s.Links = []Link{l}
			if err := Apply(newTree(t), s); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestApplyStaysInside(t *testing.T) {
	dir, outside := newTree(t), t.TempDir()
	os.RemoveAll(filepath.Join(dir, "etc/systemd"))
	if err := os.Symlink(outside, filepath.Join(dir, "etc/systemd")); err != nil {
		t.Fatal(err)
	}
	if err := Apply(dir, Settings{HostName: "pc"}); err == nil {
		t.Error("a link out of the tree was followed")
	}
	if names, _ := os.ReadDir(outside); len(names) > 0 {
		t.Errorf("written outside: %v", names)
	}
}

func TestApplyWithoutNetworkd(t *testing.T) {
	dir := newTree(t)
	os.RemoveAll(filepath.Join(dir, "usr/lib"))
	if err := Apply(dir, Settings{HostName: "pc"}); err == nil || !strings.Contains(err.Error(), "systemd-networkd") {
		t.Errorf("got %v", err)
	}
}
