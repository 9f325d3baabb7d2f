package appliance

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"
)

// Config is the configuration of a box, checked and complete. It is not
// changed after Parse.
type Config struct {
	Site          *url.URL // https, without a path; nil: the box follows no site yet
	DataDirectory string   // absolute
	Interfaces    []Interface
	Ports         Ports
}

// AddressMode says where an interface has its address from.
type AddressMode string

// The modes of an address.
const (
	AddressDHCP   AddressMode = "dhcp"
	AddressStatic AddressMode = "static"
	AddressKeep   AddressMode = "keep" // another program of this host configures it
)

// PXEMode says what the box does on UDP 67 and 4011 of an interface.
type PXEMode string

// The modes of the PXE service.
const (
	PXEProxy     PXEMode = "proxy"      // beside a DHCP server, also behind relays
	PXERelay     PXEMode = "relay"      // like PXEProxy, but only for what comes through relays
	PXEProxy4011 PXEMode = "proxy-4011" // UDP 67 belongs to a DHCP server of this host
	PXEDHCP      PXEMode = "dhcp"       // the box gives addresses itself
	PXEOff       PXEMode = "off"
)

// AnyInterface stands for each Ethernet interface that has no entry of its own.
const AnyInterface = "*"

// Interface is one network interface of the box.
type Interface struct {
	Name    string // or AnyInterface
	Address AddressMode
	CIDR    netip.Prefix // AddressStatic: address and length of the prefix
	Gateway netip.Addr   // AddressStatic: zero without one
	DNS     []netip.Addr // AddressStatic
	PXE     PXEMode
	Range   Range   // PXEDHCP: of the interface's own segment
	Relayed []Range // PXEDHCP: of segments behind relays
}

// Range is what the box gives out to one segment in PXEDHCP.
type Range struct {
	Subnet      netip.Prefix
	First, Last netip.Addr
	Router      netip.Addr // zero: none
	DNS         []netip.Addr
	Lease       time.Duration
	Reserved    map[string]netip.Addr // by MAC, lower case with colons
}

// Ports are where the box listens. UDP 67 and 4011 are fixed by the protocols,
// and firmware cannot be told another TFTP port.
type Ports struct {
	HTTP    uint16         // boot files
	HTTPS   uint16         // agents
	Metrics netip.AddrPort // metrics and health
}

// Default is the configuration that an empty file means.
func Default() Config {
	return Config{
		DataDirectory: "/var/lib/bootward",
		Interfaces:    []Interface{{Name: AnyInterface, Address: AddressDHCP, PXE: PXEProxy}},
		Ports:         Ports{HTTP: 80, HTTPS: 443, Metrics: netip.MustParseAddrPort("127.0.0.1:9110")},
	}
}

type rawConfig struct {
	Site          string         `yaml:"site"`
	DataDirectory string         `yaml:"dataDirectory"`
	Interfaces    []rawInterface `yaml:"interfaces"`
	Ports         rawPorts       `yaml:"ports"`
}

type rawInterface struct {
	Name    string   `yaml:"name"`
	Address string   `yaml:"address"`
	Gateway string   `yaml:"gateway"`
	DNS     []string `yaml:"dns"`
	PXE     string   `yaml:"pxe"`
	Range   rawRange `yaml:"range"`

	Reservations []rawReservation `yaml:"reservations"`
	Relayed      []rawRange       `yaml:"relayed"`
}

type rawRange struct {
	Subnet string   `yaml:"subnet"` // of relayed only
	First  string   `yaml:"first"`
	Last   string   `yaml:"last"`
	Router string   `yaml:"router"`
	DNS    []string `yaml:"dns"`
	Lease  string   `yaml:"lease"`
}

type rawReservation struct {
	MAC     string `yaml:"mac"`
	Address string `yaml:"address"`
}

type rawPorts struct {
	HTTP    *int   `yaml:"http"`
	HTTPS   *int   `yaml:"https"`
	Metrics string `yaml:"metrics"`
}

// maxConfig is the longest configuration that Parse reads, in bytes.
const maxConfig = 1 << 20

// ConfigError is a wrong value of the configuration: where, what, and what
// would be right.
type ConfigError struct {
	Key    string // path of the key, e.g. "interfaces[1].pxe"
	Value  string
	Remedy string
}

func (e *ConfigError) Error() string { return fmt.Sprintf("%s: %q: %s", e.Key, e.Value, e.Remedy) }

// Parse reads a configuration (docs/formats/box-config.md). Every key may be
// left out. All wrong values are reported at once, each as a *ConfigError.
func Parse(r io.Reader) (Config, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxConfig+1))
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	if len(text) > maxConfig {
		return Config{}, fmt.Errorf("configuration: longer than %d bytes", maxConfig)
	}
	var raw rawConfig
	if err := decodeStrict(text, &raw); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	p := &parser{}
	c := p.config(raw)
	if err := errors.Join(p.errs...); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// decodeStrict decodes one YAML document; unknown keys are errors that name
// their path.
func decodeStrict(text []byte, into *rawConfig) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return err
	}
	if len(doc.Content) == 0 {
		return nil
	}
	if err := errors.Join(unknownKeys(doc.Content[0], rawShape, "")...); err != nil {
		return err
	}
	return doc.Content[0].Decode(into)
}

// shape says which keys may stand in a mapping; nil: no mapping. A sequence
// has the shape of its elements.
type shape map[string]shape

var rawShape = shape{
	"site": nil, "dataDirectory": nil,
	"interfaces": {
		"name": nil, "address": nil, "gateway": nil, "dns": nil, "pxe": nil,
		"range":        {"first": nil, "last": nil, "router": nil, "dns": nil, "lease": nil},
		"reservations": {"mac": nil, "address": nil},
		"relayed":      {"subnet": nil, "first": nil, "last": nil, "router": nil, "dns": nil, "lease": nil},
	},
	"ports": {"http": nil, "https": nil, "metrics": nil},
}

func unknownKeys(n *yaml.Node, known shape, path string) []error {
	var errs []error
	switch n.Kind {
	case yaml.SequenceNode:
		for i, e := range n.Content {
			errs = append(errs, unknownKeys(e, known, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			at := key.Value
			if path != "" {
				at = path + "." + at
			}
			below, ok := known[key.Value]
			if !ok {
				errs = append(errs, &ConfigError{at, key.Value, fmt.Sprintf("line %d: there is no such key; keys here are %s", key.Line, known.keys())})
				continue
			}
			errs = append(errs, unknownKeys(n.Content[i+1], below, at)...)
		}
	}
	return errs
}

func (s shape) keys() string {
	var all []string
	for k := range s {
		all = append(all, k)
	}
	if len(all) == 0 {
		return "none: give a plain value"
	}
	slices.Sort(all)
	return fmt.Sprint(all)
}

// parser collects every wrong value.
type parser struct{ errs []error }

func (p *parser) wrong(key, value, remedy string) {
	p.errs = append(p.errs, &ConfigError{key, value, remedy})
}

func (p *parser) config(raw rawConfig) Config {
	c := Default()
	c.Site = p.site(raw.Site)
	if raw.DataDirectory != "" {
		c.DataDirectory = filepath.Clean(raw.DataDirectory)
		if !filepath.IsAbs(raw.DataDirectory) {
			p.wrong("dataDirectory", raw.DataDirectory, "give an absolute path such as /var/lib/bootward")
		}
	}
	if raw.Interfaces != nil {
		c.Interfaces = p.interfaces(raw.Interfaces)
	}
	p.port("ports.http", raw.Ports.HTTP, &c.Ports.HTTP)
	p.port("ports.https", raw.Ports.HTTPS, &c.Ports.HTTPS)
	if c.Ports.HTTP == c.Ports.HTTPS {
		p.wrong("ports.https", fmt.Sprint(c.Ports.HTTPS), "is the port of ports.http; give another")
	}
	if m := raw.Ports.Metrics; m != "" {
		a, err := netip.ParseAddrPort(m)
		if err != nil {
			p.wrong("ports.metrics", m, "give an address and a port such as 127.0.0.1:9110")
		}
		c.Ports.Metrics = a
	}
	return c
}

func (p *parser) site(s string) *url.URL {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.User != nil {
		p.wrong("site", s, "give the address of the site such as https://site.example.org:8443")
		return nil
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}
}

func (p *parser) port(key string, given *int, into *uint16) {
	if given == nil {
		return
	}
	if *given < 1 || *given > 65535 {
		p.wrong(key, fmt.Sprint(*given), "give a port from 1 to 65535")
		return
	}
	*into = uint16(*given)
}
