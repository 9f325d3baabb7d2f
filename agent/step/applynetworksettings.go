package step

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// applyNetworkSettings gives the applied system its name, network and time zone
// (variables OSDComputerName and OSDTimeZone).
func (x *Executor) applyNetworkSettings(s *sequence.ApplyNetworkSettings, env *sequence.Environment) engine.Result {
	if _, _, err := x.target(); err != nil {
		return failed(err)
	}
	name, _ := env.Get("OSDComputerName")
	zone, _ := env.Get("OSDTimeZone")
	out := settings.Settings{HostName: cmp.Or(name, x.Computer), TimeZone: zone}
	for i, a := range s.Adapters {
		link, err := x.link(a, env)
		if err != nil {
			return failed(fmt.Errorf("adapter %d: %w", i+1, err))
		}
		out.Links = append(out.Links, link)
	}
	if err := workgroup(s, env); err != nil {
		return failed(err)
	}
	if err := x.System.Settings(x.Root, out); err != nil {
		return failed(err)
	}
	return engine.Result{Output: "the machine is named " + out.HostName}
}

// workgroup keeps the workgroup in the variables that later steps know it by: a
// Linux system has none until one of them sets up Samba.
func workgroup(s *sequence.ApplyNetworkSettings, env *sequence.Environment) error {
	name, err := env.Expand(s.Workgroup)
	if err != nil || name == "" {
		return err
	}
	return errors.Join(env.Set("OSDNetworkJoinType", "1"), env.Set("OSDWorkgroupName", name))
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
