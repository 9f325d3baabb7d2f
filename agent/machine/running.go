package machine

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/domain"
	"github.com/bootward/bootward/agent/readiness"
	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/rootfs/network"
)

// Running implements step.Running.
type Running struct{}

// Readiness implements step.Running.
func (Running) Readiness() readiness.Machine {
	m := readiness.Read(os.DirFS("/"))
	var f unix.Statfs_t
	m.DiskName = "free space of /"
	if unix.Statfs("/", &f) == nil {
		m.Disk = int64(f.Bavail) * f.Bsize
	}
	return m
}

// Settings implements step.Running.
func (Running) Settings() (c step.Captured, err error) {
	if c.HostName, err = os.Hostname(); err != nil {
		return c, fmt.Errorf("read the host name: %w", err)
	}
	c.HostName, _, _ = strings.Cut(c.HostName, ".")
	if c.Windows, err = settings.ReadWindows("/"); err != nil {
		return c, err
	}
	c.Membership, err = domain.ReadMembership("/")
	return c, err
}

// Network implements step.Running: adapters that are hardware and in use.
func (Running) Network(ctx context.Context) ([]settings.Link, error) {
	all, err := network.Setups(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s network.Setup) bool {
		_, err := os.Stat("/sys/class/net/" + s.Name + "/device")
		return err != nil || len(s.Addrs) == 0
	})
	servers, search := resolvers()
	return links(all, servers, search), nil
}

// links are set-ups as settings. Name servers belong to links that have static addresses: DHCP brings its own.
func links(all []network.Setup, servers []netip.Addr, search []string) (out []settings.Link) {
	for _, s := range all {
		l := settings.Link{MAC: s.MAC, DHCP: len(s.Static) == 0}
		if !l.DHCP {
			l.Addresses, l.DNS, l.Search = s.Static, servers, search
			// Gateways that routers announce come back by themselves.
			l.Gateways = slices.DeleteFunc(slices.Clone(s.Gateways), netip.Addr.IsLinkLocalUnicast)
		}
		out = append(out, l)
	}
	return out
}

// resolvers reads resolv.conf(5) or, where it names systemd-resolved, what that one asks.
func resolvers() (servers []netip.Addr, search []string) {
	for _, name := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if servers, search = resolvConf(string(raw)); len(servers) > 0 {
			return servers, search
		}
	}
	return servers, search
}

// resolvConf leaves out servers on the machine itself.
func resolvConf(text string) (servers []netip.Addr, search []string) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) < 2:
		case f[0] == "search" || f[0] == "domain":
			search = slices.DeleteFunc(f[1:], func(s string) bool { return s == "." })
		case f[0] == "nameserver":
			if a, err := netip.ParseAddr(f[1]); err == nil && !a.IsLoopback() {
				servers = append(servers, a)
			}
		}
	}
	return servers, search
}

// Members implements step.Members.
type Members struct{}

// Join implements step.Members.
func (Members) Join(ctx context.Context, j domain.Join) error {
	return domain.System{Root: "/", Runner: tool.Exec{}}.Join(ctx, j)
}

// Workgroup implements step.Members. Samba, if it runs, reads its set-up again.
func (Members) Workgroup(ctx context.Context, dir, name string) (bool, error) {
	had, err := domain.SetWorkgroup(dir, name)
	if err != nil || !had || dir != "/" {
		return had, err
	}
	for _, unit := range []string{"smbd.service", "nmbd.service"} {
		if _, err := os.Stat("/usr/lib/systemd/system/" + unit); err != nil {
			continue // smb.conf comes with a package that Samba's clients use too
		}
		if err := (tool.Exec{}).Run(ctx, tool.Command{Path: "systemctl", Args: []string{"try-reload-or-restart", unit}}); err != nil {
			return had, err
		}
	}
	return had, nil
}
