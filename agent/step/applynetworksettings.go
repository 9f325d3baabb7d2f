package step

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// applyNetworkSettings gives the applied system its name, network and time zone
// (variables OSDComputerName and OSDTimeZone), and its workgroup.
func (x *Executor) applyNetworkSettings(ctx context.Context, s *sequence.ApplyNetworkSettings, env *sequence.Environment) engine.Result {
	if _, _, err := x.target(); err != nil {
		return failed(err)
	}
	var name, zone, kind, workgroup string
	err := settingsOf(env, []wantedSetting{
		{&name, x.Computer, []string{"OSDComputerName"}}, {&zone, "", []string{"OSDTimeZone"}},
		{&kind, "", []string{"OSDNetworkJoinType"}}, {&workgroup, s.Workgroup, []string{"OSDWorkgroupName"}}})
	if err != nil {
		return failed(err)
	}
	out := settings.Settings{HostName: name, TimeZone: zone}
	if out.Links, err = x.links(s, env); err != nil {
		return failed(err)
	}
	if err := x.System.Settings(x.Root, out); err != nil {
		return failed(err)
	}
	res := engine.Result{Output: "the machine is named " + out.HostName}
	if workgroup == "" || kind == joinsDomain { // a domain is joined by the system when it runs
		return res
	}
	joined := x.joinWorkgroup(ctx, x.Root, workgroup, env)
	joined.Output = res.Output + "\n" + joined.Output
	return joined
}

// links are the adapters of the variables or, without OSDAdapterCount, of the step.
func (x *Executor) links(s *sequence.ApplyNetworkSettings, env *sequence.Environment) ([]settings.Link, error) {
	links, given, err := adapterLinks(env, x.MAC)
	if err != nil || given {
		return links, err
	}
	for i, a := range s.Adapters {
		link, err := x.link(a, env)
		if err != nil {
			return nil, fmt.Errorf("adapter %d: %w", i+1, err)
		}
		links = append(links, link)
	}
	return links, nil
}

// link expands and reads one adapter.
func (x *Executor) link(a sequence.Adapter, env *sequence.Environment) (settings.Link, error) {
	text, err := env.Expand(cmp.Or(a.MAC, x.MAC))
	if err != nil {
		return settings.Link{}, err
	}
	mac, err := osd.NormalizeMAC(text)
	if err != nil {
		return settings.Link{}, err
	}
	l := settings.Link{DHCP: a.DHCP}
	if l.MAC, err = net.ParseMAC(mac); err != nil {
		return l, err
	}
	if l.Addresses, err = parse(a.Addresses, env, netip.ParsePrefix); err != nil {
		return l, err
	}
	if l.Gateways, err = parse(a.Gateways, env, netip.ParseAddr); err != nil {
		return l, err
	}
	if l.DNS, err = parse(a.DNSServers, env, netip.ParseAddr); err != nil {
		return l, err
	}
	suffix, err := env.Expand(a.DNSSuffix)
	if suffix != "" {
		l.Search = []string{suffix}
	}
	return l, err
}

// parse expands each text and reads it.
func parse[T any](texts []string, env *sequence.Environment, read func(string) (T, error)) ([]T, error) {
	var out []T
	for _, t := range texts {
		text, err := env.Expand(t)
		if err != nil {
			return nil, err
		}
		v, err := read(text)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
