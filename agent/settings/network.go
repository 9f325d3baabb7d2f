package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/bootward/bootward/agent/tree"
)

// Link is the set-up of one network link.
type Link struct {
	MAC       net.HardwareAddr // which link; nil: every wired one
	DHCP      bool
	Addresses []netip.Prefix // static, such as 10.1.2.3/24
	Gateways  []netip.Addr
	DNS       []netip.Addr
	Search    []string // DNS suffixes
}

func (l Link) check() error {
	var errs []error
	if l.MAC != nil && len(l.MAC) != 6 {
		errs = append(errs, fmt.Errorf("MAC %s: want 6 bytes", l.MAC))
	}
	if !l.DHCP && len(l.Addresses) == 0 {
		errs = append(errs, errors.New("neither DHCP nor an address is given"))
	}
	if l.MAC == nil && len(l.Addresses) > 0 {
		errs = append(errs, errors.New("a static address needs the MAC of its link"))
	}
	for _, p := range l.Addresses {
		if !p.IsValid() {
			errs = append(errs, errors.New("an address is not valid; want one such as 10.1.2.3/24"))
		}
	}
	for _, gateway := range l.Gateways {
		reach := false
		for _, p := range l.Addresses {
			reach = reach || p.Masked().Contains(gateway)
		}
		if !reach && !gateway.IsLinkLocalUnicast() {
			errs = append(errs, fmt.Errorf("gateway %s is in none of the networks of the link", gateway))
		}
	}
	for _, suffix := range l.Search {
		if strings.ContainsAny(suffix, " \t\r\n=[]") || suffix == "" {
			errs = append(errs, fmt.Errorf("search domain %q: want a DNS name", suffix))
		}
	}
	return errors.Join(errs...)
}

// File is the text of a .network file (systemd.network(5)).
func (l Link) File() []byte {
	var b bytes.Buffer
	b.WriteString("# Written by the deployment.\n[Match]\n")
	if l.MAC != nil {
		fmt.Fprintf(&b, "PermanentMACAddress=%s\n", l.MAC)
	} else {
		b.WriteString("Type=ether\nKind=!*\n") // no bridges, no virtual pairs
	}
	b.WriteString("\n[Network]\n")
	if l.DHCP {
		b.WriteString("DHCP=yes\n")
	}
	for _, p := range l.Addresses {
		fmt.Fprintf(&b, "Address=%s\n", p)
	}
	for _, gateway := range l.Gateways {
		fmt.Fprintf(&b, "Gateway=%s\n", gateway)
	}
	for _, server := range l.DNS {
		fmt.Fprintf(&b, "DNS=%s\n", server)
	}
	if len(l.Search) > 0 {
		fmt.Fprintf(&b, "Domains=%s\n", strings.Join(l.Search, " "))
	}
	if l.DHCP {
		// The MAC as client id: the machine keeps the lease that the firmware and
		// the boot image had.
		b.WriteString("\n[DHCPv4]\nClientIdentifier=mac\n")
	}
	return b.Bytes()
}

const (
	networkDir = "etc/systemd/network"
	prefix     = "10-bootward-"
)

// network writes one .network file per link and removes those of an earlier run.
func network(root *os.Root, s Settings) error {
	if err := enableNetworkd(root); err != nil {
		return err
	}
	if err := root.MkdirAll(networkDir, 0o755); err != nil {
		return err
	}
	old, err := fs.Glob(root.FS(), networkDir+"/"+prefix+"*")
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := root.Remove(name); err != nil {
			return err
		}
	}
	links := s.Links
	if len(links) == 0 {
		links = []Link{{DHCP: true}}
	}
	for i, l := range links {
		if s.Domain != "" && len(l.Search) == 0 {
			l.Search = []string{s.Domain}
		}
		if err := tree.Write(root, fmt.Sprintf("%s/%s%d.network", networkDir, prefix, i+1), l.File()); err != nil {
			return err
		}
	}
	return nil
}

// enableNetworkd makes sure that systemd-networkd is in the image and starts.
func enableNetworkd(root *os.Root) error {
	const unit = "systemd-networkd.service"
	const wants = "etc/systemd/system/multi-user.target.wants"
	if _, err := root.Stat("usr/lib/systemd/system/" + unit); err != nil {
		return fmt.Errorf("the image has no systemd-networkd, which sets up the network: %w", err)
	}
	if _, err := root.Lstat(wants + "/" + unit); err == nil {
		return nil
	}
	if err := root.MkdirAll(wants, 0o755); err != nil {
		return err
	}
	return root.Symlink("/lib/systemd/system/"+unit, wants+"/"+unit)
}
