// Package share mounts shares of file servers by the kernel's SMB client (mount(2), type cifs; Documentation of the
// options: mount.cifs(8)). The password goes into the kernel by that call alone: it is in no command line, no
// environment and no file, and the kernel does not show it in the list of mounts.
//
// It asks for SMB 2.1 or newer, as the kernel does by default, and follows no DFS referral.
package share

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// port is where SMB is spoken without NetBIOS.
const port = "445"

// patience is how long a server may take to accept a connection.
const patience = 15 * time.Second

// Share is a folder of a file server, and who wants it.
type Share struct {
	Host   string
	Folder string // the share and what is below it, such as deploy$/images
	// Domain, User and Password are empty for nobody.
	Domain, User, Password string
}

// Parse reads a path such as //server/share/folder, with slashes or backslashes.
func Parse(path string) (Share, error) {
	p := strings.ReplaceAll(path, `\`, "/")
	host, folder, ok := strings.Cut(strings.TrimPrefix(p, "//"), "/")
	folder = strings.Trim(folder, "/")
	if !strings.HasPrefix(p, "//") || !ok || host == "" || folder == "" || strings.ContainsAny(p, ",\x00\n") {
		return Share{}, fmt.Errorf("network folder %q: give server and share, such as //server/share", path)
	}
	return Share{Host: host, Folder: folder}, nil
}

// As is the share for an account: user, DOMAIN\user or user@domain.
func (s Share) As(account, password string) (Share, error) {
	s.User, s.Password = account, password
	if domain, user, ok := strings.Cut(account, `\`); ok {
		s.Domain, s.User = domain, user
	}
	if strings.ContainsAny(account, ",\x00\n") || strings.Contains(s.User, `\`) {
		return s, fmt.Errorf("account %q: give it as deploy, WARD\\deploy or deploy@ward.example", account)
	}
	if strings.ContainsAny(password, "\x00\r\n") {
		return s, errors.New("the password holds a line end, which no password of a share has")
	}
	return s, nil
}

// String is the path of the share.
func (s Share) String() string { return "//" + s.Host + "/" + s.Folder }

// options are those of mount.cifs(8). The password stands last, since a comma in it is written twice.
func (s Share) options(server netip.Addr) string {
	o := []string{"ip=" + server.String(), "iocharset=utf8", "soft"}
	if s.User == "" {
		return strings.Join(append(o, "sec=none"), ",")
	}
	if s.Domain != "" {
		o = append(o, "domain="+s.Domain)
	}
	return strings.Join(append(o, "username="+s.User, "password="+strings.ReplaceAll(s.Password, ",", ",,")), ",")
}

// Mount mounts the share at a folder that is there.
func (s Share) Mount(ctx context.Context, at string) error {
	server, err := s.reach(ctx)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", s, err)
	}
	err = unix.Mount(s.String(), at, "cifs", unix.MS_NOSUID|unix.MS_NODEV, s.options(server))
	if err != nil {
		return fmt.Errorf("connect to %s: %w", s, s.explain(err))
	}
	return nil
}

// reach finds an address of the server that answers, since the kernel resolves no names by itself.
func (s Share) reach(ctx context.Context) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(s.Host, port))
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return netip.Addr{}, fmt.Errorf("there is no server of this name; check the name, and the name servers of this network: %w", err)
	case err != nil:
		return netip.Addr{}, fmt.Errorf("the server does not answer on TCP port %s; check that it is up and that no firewall is between: %w", port, err)
	}
	defer c.Close()
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	return at.Addr().Unmap(), err
}

// explain says what an error of the kernel's SMB client means (fs/smb/client: smb2maperror.c, connect.c).
func (s Share) explain(err error) error {
	who := s.User
	if who == "" {
		who = "nobody"
	}
	for errno, text := range map[unix.Errno]string{
		unix.EACCES:       "the server refuses " + who + ": the account or its password is wrong, or it has no right to the share",
		unix.EPERM:        "the server refuses " + who + ": it has no right to the share",
		unix.EKEYEXPIRED:  "the password of " + who + " has expired, or must be changed",
		unix.EKEYREVOKED:  "the account " + who + " is disabled, locked or expired",
		unix.ENOENT:       "the server has no share or no folder of this name",
		unix.ENODEV:       "this kernel has no SMB client (module cifs): use a newer boot image, or install the kernel's modules",
		unix.EREMOTE:      "the share lies on another server (DFS): name that one",
		unix.EOPNOTSUPP:   "the server speaks no SMB 2.1 or newer, or wants what this client cannot do",
		unix.EHOSTDOWN:    "the server broke the connection off",
		unix.ECONNABORTED: "the server broke the connection off",
		unix.ETIMEDOUT:    "the server did not answer in time",
	} {
		if errors.Is(err, errno) {
			return fmt.Errorf("%s (%w)", text, err)
		}
	}
	return err
}
