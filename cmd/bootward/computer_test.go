package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

// TestComputers adds, associates, repairs and merges computers by the command
// line.
func TestComputers(t *testing.T) {
	r := newRig(t)
	boxes := filepath.Join(t.TempDir(), "boxes.yaml")
	if err := os.WriteFile(boxes, []byte("kind: Box\nname: ward7-box\n---\nkind: Computer\nname: pc1\nmacs: [52:54:00:00:00:01]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.want(exitDone, "apply", "-f", boxes)
	for _, c := range []struct {
		code int
		args string
		says string
	}{
		{exitUsage, "computer add pc2", "--mac, --guid, or both"},
		{exitUsage, "computer add pc2 --mac 52:54:00:00:00:02 --replaces pc1 --no-replace", ""},
		{exitDone, "computer add pc2 --mac 52:54:00:00:00:02 --box ward7-box --dry-run", "nothing was changed"},
		{exitFailed, "computer add pc2 --mac 52:54:00:00:00:01", "belongs to Computer"},
		{exitFailed, "computer add pc2 --mac 52:54:00:00:00:02 --replaces nobody", "bootward computer list"},
		{exitDone, "computer add pc2 --mac 52:54:00:00:00:02 --replaces pc1", "pc1 to pc2"},
		{exitFailed, "computer add pc2 --mac 52:54:00:00:00:02", "computer replace"},
		{exitDone, "computer add pc3 --guid 4c4c4544-0042-3510-8052-b4c04f4d0003 --no-replace", "1 to create"},
		{exitUsage, "association create", "--in-place"},
		{exitUsage, "association create --source pc1 --destination pc1", "--in-place"},
		{exitUsage, "association create --source pc1 --in-place pc1", "--in-place"},
		{exitDone, "association create --source pc1 --destination pc3", "pc1 to pc3"},
		{exitDone, "association create --in-place pc1", "pc1 in place"},
		{exitFailed, "association create --source pc2 --destination pc3", "belongs to"},
		{exitUsage, "computer replace pc2", "--mac, --guid"},
		{exitFailed, "computer replace pc2 --mac 52:54:00:00:00:01", "computer merge"},
		{exitDone, "computer replace pc2 --mac 52:54:00:00:00:12 --old-mac 52:54:00:00:00:02", "1 to update"},
		{exitUsage, "computer merge pc2", "--into"},
		{exitFailed, "computer merge pc2 --into nobody", "there is none of this name or id"},
		{exitDone, "computer merge pc2 --into pc3 --dry-run", "nothing was changed"},
		{exitRefused, "computer merge pc2 --into pc3", "delete     Computer \"pc2\""},
		{exitUsage, "--json computer merge pc2 --into pc3", "--yes"},
		{exitDone, "computer merge pc2 --into pc3 --yes", "to delete"},
		{exitFailed, "computer show pc2", ""},
		{exitDone, "computer show pc3", "52:54:00:00:00:12"},
		{exitDone, "--json computer replace pc3 --guid none", `"action": "update"`},
		{exitDone, "site audit", "merge"},
	} {
		out, errs := r.want(c.code, strings.Fields(c.args)...)
		if !strings.Contains(out+errs, c.says) {
			t.Errorf("%s: %q is not in:\n%s%s", c.args, c.says, out, errs)
		}
	}
}

// TestAddAsks: on a terminal it asks whose place the computer takes.
func TestAddAsks(t *testing.T) {
	r := newRig(t)
	r.want(exitDone, "computer", "add", "pc1", "--mac", "52:54:00:00:00:01")
	add := func(name, mac, answer string) (string, error) {
		var out, errs bytes.Buffer
		a := newApp(strings.NewReader(answer), &out, &errs, r.getenv)
		a.json = true
		o := addOptions{computer: osd.Computer{Meta: osd.Meta{Name: name}, MACs: []string{mac}}, ask: true}
		err := runComputerAdd(t.Context(), a, o)
		if !strings.Contains(errs.String(), "take the place") {
			t.Errorf("%s: it did not ask: %s", name, errs.String())
		}
		return out.String(), err
	}
	out, err := add("pc2", "52:54:00:00:00:02", "pc1\n")
	var applied api.Applied
	if err != nil || json.Unmarshal([]byte(out), &applied) != nil || len(applied.Changes) != 2 {
		t.Errorf("replaces pc1: %v\n%s", err, out)
	}
	if out, err := add("pc3", "52:54:00:00:00:03", "\n"); err != nil || strings.Contains(out, "Association") {
		t.Errorf("replaces nobody: %v\n%s", err, out)
	}
	if _, err := add("pc4", "52:54:00:00:00:04", "nobody\n"); err == nil {
		t.Error("a computer that is not there was replaced")
	}
}
