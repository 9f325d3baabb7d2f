// Package segment makes the network of a ward inside Linux network namespaces, so that machines, a DHCP server that
// knows nothing of network boot, and a central site behind a thin line meet without touching the host's network.
//
//	namespace bw-NAME                                   namespace bw-NAME-site
//	  taps ── br0 10.77.0.1/24 ── line0 ══ the line ══ line1 10.77.1.1/32
//
// It needs root. It refuses names that it did not make, and a namespace in which somebody still lives; one that a
// killed run left empty is removed. It follows ip-netns(8), ip-link(8) and namespaces(7).
package segment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/bootward/bootward/lab/process"
)

// The interfaces of a segment.
const (
	Bridge   = "br0"
	lineHere = "line0"
	lineSite = "line1"
)

// Config describes a segment. Names are at most 10 characters of a-z, 0-9 and hyphen.
type Config struct {
	Name    string
	Gateway netip.Prefix // the bridge's address and the segment's prefix; zero: 10.77.0.1/24
	Site    netip.Addr   // the central site, outside that prefix; zero: 10.77.1.1
	// NextServer is who the DHCP server names as such (siaddr); zero: itself.
	NextServer netip.Addr
	// DHCPOptions are further arguments of the DHCP server, which is dnsmasq: what a network says, or what is wrong there.
	DHCPOptions []string
}

func (c Config) withDefaults() Config {
	if !c.Gateway.IsValid() {
		c.Gateway = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 77, 0, 1}), 24)
	}
	if !c.Site.IsValid() {
		c.Site = netip.AddrFrom4([4]byte{10, 77, 1, 1})
	}
	return c
}

// Validate reports a name or address that cannot be used.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Name == "" || len(c.Name) > 10 || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return fmt.Errorf("segment name %q: want 1 to 10 characters of a-z, 0-9 and hyphen", c.Name)
	case !c.Gateway.Addr().Is4() || c.Gateway.Bits() < 8 || c.Gateway.Bits() > 24:
		return fmt.Errorf("segment %s: gateway %v: want an IPv4 prefix of 8 to 24 bits", c.Name, c.Gateway)
	case !c.Site.Is4() || c.Gateway.Contains(c.Site):
		return fmt.Errorf("segment %s: site %v: want an IPv4 address outside %v", c.Name, c.Site, c.Gateway.Masked())
	}
	return nil
}

// Segment is an open network. Its methods may be called from any goroutine.
type Segment struct {
	config Config
	log    *slog.Logger

	mu       sync.Mutex
	children []*process.Process
}

// Open makes the segment: namespaces, bridge, line. What an earlier run of that name left is removed first, unless
// processes live in it. Close it.
func Open(ctx context.Context, config Config, log *slog.Logger) (*Segment, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Segment{config: config.withDefaults(), log: log.With("segment", config.Name)}
	for _, ns := range []string{s.Namespace(), s.SiteNamespace()} {
		if err := removeStale(ctx, ns); err != nil {
			return nil, fmt.Errorf("open segment %s: %w", config.Name, err)
		}
	}
	if err := s.build(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open segment %s: %w", config.Name, err), s.Close())
	}
	s.log.Info("segment is up", "gateway", s.config.Gateway, "site", s.config.Site)
	return s, nil
}

// Namespace is the network namespace of the ward: machines run in it.
func (s *Segment) Namespace() string { return "bw-" + s.config.Name }

// SiteNamespace is the network namespace of the central site, at the other end of the line.
func (s *Segment) SiteNamespace() string { return s.Namespace() + "-site" }

// Gateway is the address of the bridge, with the segment's prefix.
func (s *Segment) Gateway() netip.Prefix { return s.config.Gateway }

// Site is the address of the central site.
func (s *Segment) Site() netip.Addr { return s.config.Site }

func (s *Segment) build(ctx context.Context) error {
	ward, site, bits := s.Namespace(), s.SiteNamespace(), s.config.Site.String()+"/32"
	for _, args := range []string{
		"netns add " + ward,
		"netns add " + site,
		"-n " + ward + " link set lo up",
		"-n " + site + " link set lo up",
		"-n " + ward + " link add " + Bridge + " type bridge stp_state 0 forward_delay 0",
		"-n " + ward + " addr add " + s.config.Gateway.String() + " dev " + Bridge,
		"-n " + ward + " link set " + Bridge + " up",
		"-n " + ward + " link add " + lineHere + " type veth peer name " + lineSite + " netns " + site,
		"-n " + site + " addr add " + bits + " dev " + lineSite,
		"-n " + ward + " link set " + lineHere + " up",
		"-n " + site + " link set " + lineSite + " up",
		"-n " + ward + " route add " + bits + " dev " + lineHere,
		"-n " + site + " route add " + s.config.Gateway.Masked().String() + " " + s.lineBack(),
	} {
		if err := ip(ctx, strings.Fields(args)...); err != nil {
			return err
		}
	}
	return s.enableForwarding()
}

// Tap makes a tap on the bridge for one NIC of a machine, named name (1 to 15 characters). It exists already after
// an earlier call: that is no error.
func (s *Segment) Tap(ctx context.Context, name string) error {
	if name == "" || len(name) > 15 || strings.ContainsAny(name, "/ \t\n") {
		return fmt.Errorf("segment %s: tap %q: want an interface name of 1 to 15 characters", s.config.Name, name)
	}
	if ip(ctx, "-n", s.Namespace(), "link", "show", "dev", name) == nil {
		return nil
	}
	for _, args := range [][]string{
		{"tuntap", "add", "dev", name, "mode", "tap"},
		{"link", "set", "dev", name, "master", Bridge, "up"},
	} {
		if err := ip(ctx, append([]string{"-n", s.Namespace()}, args...)...); err != nil {
			return fmt.Errorf("segment %s: tap %s: %w", s.config.Name, name, err)
		}
	}
	return nil
}

// Unplug takes the cable of a tap out of the bridge: its machine sends and hears nothing, and is not told. Plug puts it
// back.
func (s *Segment) Unplug(ctx context.Context, tap string) error { return s.cable(ctx, tap, "nomaster") }

// Plug ends Unplug.
func (s *Segment) Plug(ctx context.Context, tap string) error {
	return s.cable(ctx, tap, "master", Bridge)
}

func (s *Segment) cable(ctx context.Context, tap string, args ...string) error {
	if err := ip(ctx, append([]string{"-n", s.Namespace(), "link", "set", "dev", tap}, args...)...); err != nil {
		return fmt.Errorf("segment %s: cable of %s: %w", s.config.Name, tap, err)
	}
	s.log.Info("cable", "tap", tap, "set", args)
	return nil
}

// Cut drops every packet between the segment and the site without a word, as a dead line does. Cutting twice is fine.
func (s *Segment) Cut(ctx context.Context) error { return s.line(ctx, "down") }

// Restore ends a Cut.
func (s *Segment) Restore(ctx context.Context) error { return s.line(ctx, "up") }

// lineBack is the site's way to the machines of the segment: through the gateway, which answers for itself on the line.
func (s *Segment) lineBack() string {
	return "via " + s.config.Gateway.Addr().String() + " dev " + lineSite + " onlink"
}

// line replaces the routes over the line, at both of its ends, by ones of type blackhole, which drop silently.
func (s *Segment) line(ctx context.Context, state string) error {
	here, site := "dev "+lineHere, s.lineBack()
	if state == "down" {
		here, site = "", ""
	}
	for _, r := range []struct{ namespace, prefix, device string }{
		{s.Namespace(), s.config.Site.String() + "/32", here},
		{s.SiteNamespace(), s.config.Gateway.Masked().String(), site},
	} {
		args := []string{"-n", r.namespace, "route", "replace"}
		if r.device == "" {
			args = append(args, "blackhole")
		}
		args = append(append(args, r.prefix), strings.Fields(r.device)...)
		if err := ip(ctx, args...); err != nil {
			return fmt.Errorf("segment %s: line %s: %w", s.config.Name, state, err)
		}
	}
	s.log.Info("line to the site", "state", state)
	return nil
}

// Exec runs a short command inside the segment's namespace and returns its standard output; its error quotes stderr.
func (s *Segment) Exec(ctx context.Context, name string, args ...string) ([]byte, error) {
	return run(ctx, "ip", append([]string{"netns", "exec", s.Namespace(), name}, args...)...)
}

// Close ends what the segment started and removes it. Processes of others that still live in its namespaces are
// reported: the namespaces have lost their names, and go with them.
func (s *Segment) Close() error {
	// The caller's context has ended, often; removal must go on.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, child := range s.children {
		child.Kill()
		<-child.Done()
	}
	s.children = nil
	var errs []error
	for _, ns := range []string{s.Namespace(), s.SiteNamespace()} {
		pids, err := empty(ctx, ns)
		if errors.Is(err, errNoNamespace) {
			continue
		}
		if len(pids) > 0 {
			err = fmt.Errorf("processes %s still run in %s", strings.Join(pids, ", "), ns)
		}
		errs = append(errs, err, ip(ctx, "netns", "del", ns))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close segment %s: %w", s.config.Name, err)
	}
	return nil
}

func ip(ctx context.Context, args ...string) error {
	_, err := run(ctx, "ip", args...)
	return err
}

func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err == nil {
		return out, nil
	}
	words := ""
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		words = ": " + strings.TrimSpace(string(exit.Stderr))
	}
	return out, fmt.Errorf("%s %s: %w%s", name, strings.Join(args, " "), err, words)
}
