package lab

import "testing"

// TestMatrixIsPairwise holds that each pair of firmware, card and boot order
// stands in a row, and that no two rows share an address or a name.
func TestMatrixIsPairwise(t *testing.T) {
	type pair [2]string
	have := map[pair]bool{}
	seen := map[string]bool{}
	firmware, nic, order := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, r := range Matrix() {
		for _, p := range []pair{{r.Firmware, r.NIC}, {r.Firmware, r.BootOrder}, {r.NIC, r.BootOrder}} {
			have[p] = true
		}
		firmware[r.Firmware], nic[r.NIC], order[r.BootOrder] = true, true, true
		if seen[r.MAC] || seen[r.Name] {
			t.Errorf("row %s: name or MAC %s is there twice", r.Name, r.MAC)
		}
		seen[r.MAC], seen[r.Name] = true, true
	}
	if len(firmware) != 2 || len(nic) != 5 || len(order) != 2 {
		t.Errorf("firmware %v, cards %v, orders %v", firmware, nic, order)
	}
	for f := range firmware {
		for n := range nic {
			if !have[pair{f, n}] {
				t.Errorf("no row has %s with %s", f, n)
			}
		}
		for o := range order {
			if !have[pair{f, o}] {
				t.Errorf("no row has %s with %s", f, o)
			}
		}
	}
	for n := range nic {
		for o := range order {
			if !have[pair{n, o}] {
				t.Errorf("no row has %s with %s", n, o)
			}
		}
	}
}
