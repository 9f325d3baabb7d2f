//go:build system

package systemtest

import (
	"context"
	"os"
	"path/filepath"

	"github.com/bootward/bootward/lab/segment"
)

// The servers of others beside the box, as Debian has them. dir takes their files.

// start starts one in a namespace.
func start(ctx context.Context, s *segment.Segment, ns, dir, ready string, args ...string) error {
	return s.Start(ctx, ns, filepath.Join(dir, args[0]+".log"), ready, args...)
}

func startKea(ctx context.Context, s *segment.Segment, dir string) error {
	config := filepath.Join(dir, "kea.conf")
	if err := os.WriteFile(config, []byte(`{"Dhcp4": {"interfaces-config": {"interfaces": ["`+segment.Bridge+`"]},
"lease-database": {"type": "memfile", "persist": false},
"subnet4": [{"subnet": "10.77.0.0/24", "pools": [{"pool": "10.77.0.100 - 10.77.0.199"}], "option-data": [{"name": "routers", "data": "10.77.0.1"}]}],
"loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stderr"}]}]}}`), 0o644); err != nil {
		return err
	}
	return s.Start(ctx, s.Namespace(), filepath.Join(dir, "kea.log"), "DHCP4_STARTED",
		"env", "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir, "kea-dhcp4", "-c", config)
}

func startDHCPD(ctx context.Context, s *segment.Segment, dir string) error {
	config, leases := filepath.Join(dir, "dhcpd.conf"), filepath.Join(dir, "dhcpd.leases")
	if err := os.WriteFile(config, []byte("ping-check false;\nauthoritative;\noption routers 10.77.0.1;\n"+
		"subnet 10.77.0.0 netmask 255.255.255.0 { range 10.77.0.100 10.77.0.199; }\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(leases, nil, 0o644); err != nil {
		return err
	}
	return start(ctx, s, s.Namespace(), dir, "Server starting service", "dhcpd", "-4", "-f", "-d", "--no-pid",
		"-user", "root", "-group", "root", "-cf", config, "-lf", leases, segment.Bridge)
}

// dnsmasqOn are the arguments of dnsmasq as a DHCP server on one interface.
func dnsmasqOn(link string, more ...string) []string {
	return append([]string{"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--log-facility=-", "--log-dhcp", "--user=root",
		"--pid-file=", "--port=0", "--no-ping", "--bind-interfaces", "--interface=" + link, "--except-interface=lo", "--leasefile-ro"}, more...)
}

const machines = "--dhcp-range=10.77.0.100,10.77.0.199,255.255.255.0,1h"

// startRival adds another PXE server, which gives no addresses. It has no files.
func startRival(ctx context.Context, s *segment.Segment, dir string) error {
	if err := host(s, "rival", rivalAddress); err != nil {
		return err
	}
	return s.Start(ctx, s.Namespace()+"-rival", filepath.Join(dir, "rival.log"), "DHCP, proxy on subnet", dnsmasqOn("eth0",
		"--dhcp-range=10.77.0.0,proxy", "--pxe-service=X86-64_EFI,Another,grubx64.efi", "--pxe-service=x86PC,Another,pxelinux.0")...)
}

// startBeside gives the host of the box a DHCP server, with the option 60 that our
// documentation asks for.
func startBeside(ctx context.Context, s *segment.Segment, dir string) error {
	return start(ctx, s, s.Namespace()+"-box", dir, "IP range", dnsmasqOn("eth0", append([]string{machines, "--dhcp-authoritative",
		"--dhcp-option=option:router,10.77.0.1"}, option60...)...)...)
}

// startRelay makes the router of the machines' network a relay (ISC's, which adds
// option 82) to a DHCP server elsewhere, bare of network boot, and to the box.
func startRelay(ctx context.Context, s *segment.Segment, dir string) error {
	if err := ip("-n", s.Namespace(), "addr", "add", "10.77.9.1/32", "dev", "line0"); err != nil {
		return err
	}
	if err := start(ctx, s, s.SiteNamespace(), dir, "IP range", dnsmasqOn("line1", machines, "--dhcp-authoritative",
		"--dhcp-option=option:router,10.77.0.1")...); err != nil {
		return err
	}
	return start(ctx, s, s.Namespace(), dir, "Sending on   Socket/fallback", "dhcrelay", "-4", "-d", "-a", "--no-pid",
		"-id", segment.Bridge, "-iu", "line0", "-iu", "boxport", s.Site().String(), boxAddress(modeRelay))
}
