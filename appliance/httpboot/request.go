package httpboot

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// names are the files of a boot image that may be asked for.
var names = []string{"vmlinuz", "initrd", "uki.efi", "boot.ipxe", "only32.ipxe"}

// split takes image id and name out of the path; false for every other path.
func split(path string) (id, name string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/boot/")
	if !ok {
		return "", "", false
	}
	id, name, ok = strings.Cut(rest, "/")
	if !ok || len(id) == 0 || len(id) > 64 || id[0] == '.' || !slices.Contains(names, name) {
		return "", "", false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return "", "", false
		}
	}
	return id, name, true
}

// contentType tells UEFI HTTP Boot what it gets: it starts application/efi and
// nothing that it does not know (UEFI 2.10 section 24.7.3.1).
func contentType(name string) string {
	switch name {
	case "uki.efi":
		return "application/efi"
	case "boot.ipxe", "only32.ipxe":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

func peer(r *http.Request) netip.AddrPort {
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

func local(r *http.Request) netip.Addr {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().Unmap()
}

func mac(r *http.Request) net.HardwareAddr {
	m, err := net.ParseMAC(r.URL.Query().Get("mac"))
	if err != nil || len(m) != 6 {
		return nil
	}
	return m
}

// longestPrompt is the longest time to wait for a key, in seconds (osd.PXE).
const longestPrompt = 300

func prompt(r *http.Request) time.Duration {
	n, err := strconv.ParseUint(r.URL.Query().Get("prompt"), 10, 16)
	if err != nil || n > longestPrompt {
		return 0
	}
	return time.Duration(n) * time.Second
}
