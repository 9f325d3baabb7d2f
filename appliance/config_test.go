package appliance

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var compareAddresses = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

func TestShippedFileIsTheDefault(t *testing.T) {
	text, err := os.ReadFile("box.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{"shipped": text, "empty": nil} {
		got, err := Parse(bytes.NewReader(in))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(Default(), got, compareAddresses); d != "" {
			t.Errorf("%s file is not the default:\n%s", name, d)
		}
	}
}

func TestShippedExamplesParse(t *testing.T) {
	text, err := os.ReadFile("box.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	for _, r := range [][2]string{
		{"# site:", "site:"}, {"address: dhcp", "address: 10.77.0.2/24"}, {"pxe: proxy", "pxe: dhcp"},
		{"# reservations:", "reservations:"}, {"# relayed:", "relayed:"},
		{"# gateway:", "gateway:"}, {"# dns:", "dns:"}, {"# range:", "range:"}, {`"*"`, "eth0"},
	} {
		if !strings.Contains(s, r[0]) {
			t.Fatalf("the shipped file does not hold %q", r[0])
		}
		s = strings.Replace(s, r[0], r[1], 1)
	}
	c, err := Parse(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	if c.Site.String() != "https://site.example.org:8443" || c.Interfaces[0].Range.Lease != 12*time.Hour {
		t.Errorf("parsed %+v", c)
	}
}

// withDHCP is a box that is the DHCP server of 10.0.0.0/24, and more.
func withDHCP(more string) string {
	return "interfaces: [{name: a, address: 10.0.0.1/24, pxe: dhcp, range: {first: 10.0.0.5, last: 10.0.0.9}, " + more + "}]"
}

// TestParseDHCP: a machine may have a reserved address in each subnet, inside or
// outside of what is given to others.
func TestParseDHCP(t *testing.T) {
	c, err := Parse(strings.NewReader(withDHCP("relayed: [{subnet: 10.1.0.0/24, first: 10.1.0.5, last: 10.1.0.9, router: 10.1.0.1, lease: 1h}], " +
		"reservations: [{mac: '52-54-00-AA-00-01', address: 10.0.0.7}, {mac: '525400aa0001', address: 10.1.0.200}]")))
	if err != nil {
		t.Fatal(err)
	}
	n := c.Interfaces[0]
	if a := n.Range.Reserved["52:54:00:aa:00:01"]; a.String() != "10.0.0.7" || n.Range.Subnet.String() != "10.0.0.0/24" {
		t.Errorf("own range %+v", n.Range)
	}
	if r := n.Relayed[0]; r.Reserved["52:54:00:aa:00:01"].String() != "10.1.0.200" || r.Subnet.String() != "10.1.0.0/24" || r.Router.String() != "10.1.0.1" || r.Lease != time.Hour {
		t.Errorf("relayed range %+v", r)
	}
}

func TestParseNamesKeyAndRemedy(t *testing.T) {
	for _, tt := range []struct{ name, in, key, remedy string }{
		{"unknown key", "sit: https://x:1", "sit", "no such key"},
		{"unknown key below", "interfaces: [{name: eth0}, {pxee: off}]", "interfaces[1].pxee", "no such key"},
		{"mapping for a value", "site: {url: x}", "site.url", "plain value"},
		{"http site", "site: http://x:1", "site", "https://"},
		{"site with path", "site: https://x/y", "site", "https://"},
		{"relative data", "dataDirectory: data", "dataDirectory", "absolute"},
		{"bad link name", "interfaces: [{name: a/b}]", "interfaces[0].name", "eth0"},
		{"twice", "interfaces: [{name: a}, {name: a}]", "interfaces[1].name", "twice"},
		{"no interfaces", "interfaces: []", "interfaces", "at least one"},
		{"bad address", "interfaces: [{name: a, address: 10.0.0.1}]", "interfaces[0].address", "10.77.0.2/24"},
		{"static for all", "interfaces: [{address: 10.0.0.1/24}]", "interfaces[0].address", "not *"},
		{"gateway outside", "interfaces: [{name: a, address: 10.0.0.1/24, gateway: 10.1.0.1}]", "interfaces[0].gateway", "10.0.0.0/24"},
		{"gateway with dhcp", "interfaces: [{name: a, gateway: 10.1.0.1}]", "interfaces[0].gateway", "leave them out"},
		{"pxe", "interfaces: [{name: a, pxe: on}]", "interfaces[0].pxe", "proxy, dhcp, relay, proxy-4011 or off"},
		{"dhcp without address", "interfaces: [{name: a, pxe: dhcp}]", "interfaces[0].address", "10.77.0.2/24"},
		{"dhcp without range", "interfaces: [{name: a, address: 10.0.0.1/24, pxe: dhcp}]", "interfaces[0].range.first", "IPv4"},
		{"range outside", "interfaces: [{name: a, address: 10.0.0.1/24, pxe: dhcp, range: {first: 10.1.0.1, last: 10.1.0.9}}]", "interfaces[0].range", "10.0.0.0/24"},
		{"range backwards", "interfaces: [{name: a, address: 10.0.0.1/24, pxe: dhcp, range: {first: 10.0.0.9, last: 10.0.0.5}}]", "interfaces[0].range.last", "before"},
		{"range without dhcp", "interfaces: [{name: a, range: {first: 10.0.0.9}}]", "interfaces[0].range", "pxe: dhcp only"},
		{"reservations without dhcp", "interfaces: [{name: a, pxe: relay, reservations: [{mac: '52:54:00:00:00:01'}]}]", "interfaces[0].reservations", "pxe: dhcp only"},
		{"relayed without dhcp", "interfaces: [{name: a, relayed: [{subnet: 10.1.0.0/24}]}]", "interfaces[0].relayed", "without it"},
		{"relayed subnet", withDHCP("relayed: [{subnet: 10.1.0.1/24}]"), "interfaces[0].relayed[0].subnet", "10.78.0.0/24"},
		{"relayed overlaps", withDHCP("relayed: [{subnet: 10.0.0.0/16, first: 10.0.1.5, last: 10.0.1.9, router: 10.0.1.1}]"), "interfaces[0].relayed[0].subnet", "overlaps 10.0.0.0/24"},
		{"relayed outside", withDHCP("relayed: [{subnet: 10.1.0.0/24, first: 10.2.0.5, last: 10.2.0.9, router: 10.1.0.1}]"), "interfaces[0].relayed[0]", "10.1.0.0/24"},
		{"relayed without router", withDHCP("relayed: [{subnet: 10.1.0.0/24, first: 10.1.0.5, last: 10.1.0.9}]"), "interfaces[0].relayed[0].router", "through it"},
		{"reservation's MAC", withDHCP("reservations: [{mac: nonsense, address: 10.0.0.7}]"), "interfaces[0].reservations[0].mac", "52:54:00"},
		{"reservation outside", withDHCP("reservations: [{mac: '525400000001', address: 10.9.0.7}]"), "interfaces[0].reservations[0].address", "no subnet"},
		{"reservation of the box", withDHCP("reservations: [{mac: '525400000001', address: 10.0.0.1}]"), "interfaces[0].reservations[0].address", "box"},
		{"reservation of the broadcast address", withDHCP("reservations: [{mac: '525400000001', address: 10.0.0.255}]"), "interfaces[0].reservations[0].address", "no machine"},
		{"reserved twice", withDHCP("reservations: [{mac: '525400000001', address: 10.0.0.7}, {mac: '525400000002', address: 10.0.0.7}]"), "interfaces[0].reservations[1].address", "52:54:00:00:00:01"},
		{"two for one", withDHCP("reservations: [{mac: '525400000001', address: 10.0.0.7}, {mac: '52-54-00-00-00-01', address: 10.0.0.8}]"), "interfaces[0].reservations[1].mac", "already"},
		{"lease", "interfaces: [{name: a, address: 10.0.0.1/24, pxe: dhcp, range: {first: 10.0.0.9, last: 10.0.0.10, lease: 5s}}]", "interfaces[0].range.lease", "12h"},
		{"port", "ports: {http: 70000}", "ports.http", "65535"},
		{"same port", "ports: {http: 443}", "ports.https", "another"},
		{"metrics", "ports: {metrics: nine}", "ports.metrics", "127.0.0.1:9110"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(strings.NewReader(tt.in))
			var c *ConfigError
			if !errors.As(err, &c) || c.Key != tt.key || !strings.Contains(c.Remedy, tt.remedy) {
				t.Fatalf("Parse: %v (%+v), want key %s, remedy with %q", err, c, tt.key, tt.remedy)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		links    []string
		want     string
	}{
		{"nothing configured", "", []string{"eth0"}, "console metrics network·eth0 dhcp·eth0 router·eth0 segment·eth0 tftp wake http https caretake"},
		{"a site", "site: https://s:8443", []string{"eth0"}, "console metrics network·eth0 dhcp·eth0 router·eth0 segment·eth0 tftp wake http https caretake selftest enrol policy content checkin outbox logs"},
		{"two links, one off", "interfaces: [{name: eth1, pxe: off}, {name: '*'}]", []string{"eth0", "eth1"},
			"console metrics network·eth0 dhcp·eth0 router·eth0 segment·eth0 network·eth1 tftp wake http https caretake"},
		{"on a host", "interfaces: [{name: br0, address: keep}]", []string{"eth0"}, "console metrics dhcp·br0 router·br0 segment·br0 tftp wake http https caretake"},
		{"no pxe at all", "interfaces: [{pxe: off}]", []string{"eth0"}, "console metrics network·eth0 http https caretake"},
		{"no link yet", "", nil, "console metrics http https caretake"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse(strings.NewReader(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range Plan(c, tt.links) {
				got = append(got, strings.ReplaceAll(s.Name, " ", "·"))
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("Plan:\n got %s\nwant %s", g, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	text, _ := os.ReadFile("box.yaml")
	f.Add(text)
	f.Add([]byte("interfaces: [{name: a, address: 10.0.0.1/24, pxe: dhcp, range: {first: 10.0.0.9, last: 10.0.0.10}}]"))
	f.Add([]byte("site: {a: [1, {b: c}]}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := Parse(bytes.NewReader(in))
		if err == nil && len(c.Interfaces) == 0 {
			t.Error("a configuration without interfaces was taken")
		}
	})
}
