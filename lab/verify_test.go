package lab

import (
	"testing"

	"github.com/bootward/bootward/lab/osimage"
)

// TestAgentChanges: a deployed system that kept its client has no difference, and
// one with a file beside them has.
func TestAgentChanges(t *testing.T) {
	var have osimage.Manifest
	for _, path := range []string{
		"/usr/lib/bootward", "/usr/lib/bootward/bootward-agent", "/var/log/bootward", "/var/log/bootward/smsts.log",
		"/etc/systemd/system/bootward-client.service", "/etc/systemd/system/multi-user.target.wants/bootward-client.service",
		"/var/lib/bootward-client", "/var/lib/bootward-client/anchor.json", "/var/lib/bootward-client/box.json", "/var/lib/bootward-client/state.json",
	} {
		have.Entries = append(have.Entries, osimage.Entry{Path: path, Type: "file"})
	}
	if d := osimage.Diff(osimage.Manifest{}, have, agentChanges()); len(d) != 0 {
		t.Errorf("%v", d)
	}
	have.Entries = append(have.Entries, osimage.Entry{Path: "/var/lib/bootward-clients", Type: "file"})
	if d := osimage.Diff(osimage.Manifest{}, have, agentChanges()); len(d) != 1 {
		t.Errorf("%v", d)
	}
}
