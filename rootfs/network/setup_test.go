package network

import (
	"fmt"
	"testing"
)

// TestSetups: what ip(8) set up is read back; leased addresses, those of the link and routes of others are not static.
func TestSetups(t *testing.T) {
	onSegment(t)
	sh(t, "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth2")
	for _, args := range [][]string{
		{"link", "set", "eth0", "up"}, {"link", "set", "eth1", "up"},
		{"addr", "add", "192.0.2.7/24", "dev", "eth0"}, {"addr", "add", "2001:db8::7/64", "dev", "eth0", "nodad"},
		{"addr", "add", "198.51.100.9/24", "dev", "eth1", "valid_lft", "600", "preferred_lft", "600"},
		{"route", "add", "default", "via", "192.0.2.2", "dev", "eth0", "metric", "20"},
		{"route", "add", "default", "via", "192.0.2.1", "dev", "eth0", "metric", "10"},
		{"route", "add", "203.0.113.0/24", "via", "192.0.2.3", "dev", "eth0"},
		{"-6", "route", "add", "default", "via", "2001:db8::1", "dev", "eth0"},
		{"route", "add", "default", "via", "198.51.100.1", "dev", "eth1", "metric", "100"},
	} {
		sh(t, "ip", args...)
	}
	all, err := Setups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range all {
		got[s.Name] = fmt.Sprint(s.Static, s.Gateways)
	}
	want := map[string]string{"eth0": "[192.0.2.7/24 2001:db8::7/64] [192.0.2.1 192.0.2.2 2001:db8::1]", "eth1": "[] [198.51.100.1]"}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: got %s, want %s", name, got[name], want[name])
		}
	}
	if len(got) != 3 {
		t.Errorf("links %v", got)
	}
}
