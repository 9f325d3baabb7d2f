package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/bootward/bootward/osd/inventory"
)

// TestInventory: what the command prints is a machine and a record, to the last field.
func TestInventory(t *testing.T) {
	for _, args := range [][]string{{}, {"--json"}} {
		cmd := inventoryCommand()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs(args)
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
		for _, into := range []any{&inventory.Machine{}, &inventory.Record{}} {
			d := json.NewDecoder(bytes.NewReader(out.Bytes()))
			d.DisallowUnknownFields()
			if err := d.Decode(into); err != nil {
				t.Errorf("%T: %v in\n%s", into, err, out.String())
			}
		}
		var m inventory.Machine
		if err := json.Unmarshal(out.Bytes(), &m); err != nil || m.Processors == 0 || m.MemoryBytes == 0 {
			t.Errorf("got %+v, %v", m, err)
		}
	}
}
