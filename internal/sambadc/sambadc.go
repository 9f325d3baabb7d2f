// Package sambadc says how Debian's Samba becomes the controller of an Active Directory domain, with all that members
// ask for: LDAP, Kerberos, DNS, and the share of group policies, without which nobody may log on. It serves those who
// try out what joins a domain. It starts nothing: its values are command lines, to be run as root where the domain's
// address is. See samba(8) and samba-tool(8).
package sambadc

import (
	"net/netip"
	"path/filepath"
	"strings"
)

// Controller is the only one of its domain.
type Controller struct {
	Domain        string       // DNS name, such as ward.example
	Address       netip.Prefix // with the length of its network's prefix
	Administrator string       // the password of the account Administrator
	Dir           string       // an absolute path that holds all it has, of at most MaxDir bytes
}

// MaxDir leaves room for the names of sockets in the folder (unix(7): 107 bytes in all).
const MaxDir = 75

// Host is the controller's own name, without the domain.
const Host = "dc1"

// Provision makes the domain. It takes some ten seconds.
func (c Controller) Provision() []string {
	options := []string{
		"bind interfaces only=yes", "interfaces=" + c.Address.String(), "dns forwarder=", "server services=s3fs,rpc,nbt,ldap,cldap,kdc,winbindd,dns",
		"log file=" + c.Dir + "/log.%m", "pid directory=" + c.Dir, "ncalrpc dir=" + c.Dir + "/ncalrpc",
	}
	args := []string{
		"samba-tool", "domain", "provision", "--realm=" + strings.ToUpper(c.Domain), "--domain=" + c.NetBIOS(), "--server-role=dc",
		"--dns-backend=SAMBA_INTERNAL", "--adminpass=" + c.Administrator, "--targetdir=" + c.Dir, "--host-name=" + Host, "--host-ip=" + c.Address.Addr().String(),
	}
	for _, o := range options {
		args = append(args, "--option="+o)
	}
	return args
}

// NetBIOS is the domain's short name.
func (c Controller) NetBIOS() string {
	first, _, _ := strings.Cut(c.Domain, ".")
	return strings.ToUpper(first)
}

// Serve runs the controller in the foreground, its messages on the standard output. Its parts meet in a folder that
// cannot be chosen, so it has mounts of its own.
func (c Controller) Serve() []string {
	const private = `mkdir -p /run/samba && mount -t tmpfs none /run/samba && exec "$@"`
	return []string{"unshare", "--mount", "sh", "-c", private, "sh", "samba", "--foreground", "--model=single", "--no-process-group", "--debug-stdout", "-s", c.conf()}
}

// Info asks the controller whether it can be joined: exit code 0 says so.
func (c Controller) Info() []string {
	return []string{"adcli", "info", "--domain-controller=" + c.Address.Addr().String(), c.Domain}
}

// Names gives the running controller the names by which Kerberos knows it, which its service dnsupdate would do at some
// time.
func (c Controller) Names() []string { return []string{"samba_spnupdate", "-s", c.conf()} }

// Tool is samba-tool on the domain's data.
func (c Controller) Tool(args ...string) []string {
	return append(append([]string{"samba-tool"}, args...), "-s", c.conf())
}

func (c Controller) conf() string { return filepath.Join(c.Dir, "etc/smb.conf") }
