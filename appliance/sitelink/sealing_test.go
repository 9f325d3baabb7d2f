package sitelink

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bootward/bootward/trust"
)

// TestSealingKey: it is made before the enrolment, the site is sent its public
// half, and the box has it over a restart. A box that enrolled before there was
// one gets one too.
func TestSealingKey(t *testing.T) {
	s := newFakeSite(t)
	dir := t.TempDir()
	l := openLink(t, s, dir, s.token())
	check(t, l.Enrol(quiet).Run(t.Context()))
	file := filepath.Join(dir, keysDir, sealingKeyFile)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	sealed, err := trust.Seal(s.asked[0].SealingKey, "a", []byte("secret"))
	check(t, err)
	for _, link := range []*Link{l, openLink(t, s, dir, "")} {
		if got, err := link.Identity().Sealing.Open("a", sealed); err != nil || string(got) != "secret" {
			t.Errorf("%q, %v", got, err)
		}
	}
	check(t, os.Remove(file))
	if _, err := openLink(t, s, dir, "").Identity().Sealing.Open("a", sealed); err == nil {
		t.Error("a key that was deleted opens")
	}
	check(t, os.WriteFile(file, []byte("damaged"), 0o600))
	if _, err := LoadIdentity(filepath.Join(dir, keysDir)); err == nil {
		t.Error("a damaged key was taken")
	}
}
