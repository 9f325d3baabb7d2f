// Package settings gives an installed Linux system, while it is mounted in the
// boot image, its name, its network and its time zone, and makes it a machine of
// its own: no machine id, no keys of the one that was captured.
//
// Files follow hostname(5), hosts(5), machine-id(5) and systemd.network(5). It
// writes inside the given tree only: a symbolic link in the image that points
// out of it is an error. It refuses what systemd would not take.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/bootward/bootward/agent/tree"
)

// Settings of one machine.
type Settings struct {
	HostName string // RFC 1123: letters, digits, hyphens
	Domain   string // DNS suffix, may be empty
	TimeZone string // as under /usr/share/zoneinfo, or Windows' name; empty leaves the image's
	// Links lists the network links. None means DHCP on every wired one.
	Links []Link
}

// label is one part of a DNS name (RFC 1123, 2.1).
var label = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

func (s Settings) check() error {
	var errs []error
	if !label.MatchString(s.HostName) {
		errs = append(errs, fmt.Errorf("host name %q: want 1 to 63 letters, digits and hyphens, not beginning or ending with a hyphen", s.HostName))
	}
	if s.Domain != "" {
		for part := range strings.SplitSeq(s.Domain, ".") {
			if !label.MatchString(part) {
				errs = append(errs, fmt.Errorf("domain %q: want DNS labels separated by dots", s.Domain))
				break
			}
		}
	}
	for i, l := range s.Links {
		if err := l.check(); err != nil {
			errs = append(errs, fmt.Errorf("network link %d: %w", i+1, err))
		}
	}
	return errors.Join(errs...)
}

// Apply writes the settings into the system at dir. It may be repeated.
func Apply(dir string, s Settings) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("apply settings: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("apply settings: %w", err)
	}
	defer root.Close()
	for _, f := range []func(*os.Root, Settings) error{names, identity, timeZone, network} {
		if err := f(root, s); err != nil {
			return fmt.Errorf("apply settings to %s: %w", dir, err)
		}
	}
	return nil
}

// names writes /etc/hostname and /etc/hosts.
func names(root *os.Root, s Settings) error {
	return errors.Join(
		tree.Write(root, "etc/hostname", []byte(s.HostName+"\n")),
		tree.Write(root, "etc/hosts", hosts(s)),
	)
}

// hosts gives the machine's own name a loopback address, as Debian does, so that
// it can be looked up without a network.
func hosts(s Settings) []byte {
	var b bytes.Buffer
	b.WriteString("127.0.0.1\tlocalhost\n127.0.1.1\t")
	if s.Domain != "" {
		b.WriteString(s.HostName + "." + s.Domain + " ")
	}
	b.WriteString(s.HostName + "\n\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n")
	return b.Bytes()
}

// identity empties the machine id, so that systemd makes one at the first boot
// (machine-id(5)), and removes what must not be shared between machines.
func identity(root *os.Root, _ Settings) error {
	if err := tree.Write(root, "etc/machine-id", nil); err != nil {
		return err
	}
	shared := []string{"var/lib/dbus/machine-id", "var/lib/systemd/random-seed", "var/lib/systemd/credential.secret"}
	keys, err := fs.Glob(root.FS(), "etc/ssh/ssh_host_*_key*")
	if err != nil {
		return err
	}
	for _, name := range append(shared, keys...) {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// zoneName keeps a zone's name inside the folder of zones.
var zoneName = regexp.MustCompile(`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$`)

// timeZone points /etc/localtime to the zone, which the image must have.
func timeZone(root *os.Root, s Settings) error {
	if s.TimeZone == "" {
		return nil
	}
	s.TimeZone = Zone(s.TimeZone)
	if !zoneName.MatchString(s.TimeZone) {
		return fmt.Errorf("time zone %q: want a name such as Europe/London", s.TimeZone)
	}
	if _, err := root.Stat("usr/share/zoneinfo/" + s.TimeZone); err != nil {
		return fmt.Errorf("time zone %q: the image does not know it (package tzdata): %w", s.TimeZone, err)
	}
	if err := root.Remove("etc/localtime"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := root.Symlink("/usr/share/zoneinfo/"+s.TimeZone, "etc/localtime"); err != nil {
		return err
	}
	return tree.Write(root, "etc/timezone", []byte(s.TimeZone+"\n"))
}
