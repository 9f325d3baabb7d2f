package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/site/store/storetest"
)

func open(t *testing.T) store.Store {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "site.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) { storetest.Suite(t, open) }

func TestDurability(t *testing.T) {
	s := open(t).(*Store)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := s.write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
}

func TestReopen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a b", "site.db")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		s, err := Open(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			err = s.Write(t.Context(), func(x store.Tx) error {
				return x.AddCredential(store.Credential{Hash: "h", Kind: store.CredentialToken, Person: "ann"})
			})
		} else {
			err = s.Read(t.Context(), func(x store.Tx) error {
				_, err := x.Credential("h", time.Now())
				return err
			})
		}
		if err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", st.Mode(), err)
	}
}

func TestAuditIsAppendOnly(t *testing.T) {
	s := open(t).(*Store)
	if err := s.Write(t.Context(), func(x store.Tx) error { return x.AddAudit(store.AuditEntry{Who: "ann"}) }); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"DELETE FROM audit", "UPDATE audit SET who = 'bob'"} {
		if _, err := s.write.Exec(q); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site.db")
	s, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec("PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), file); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("a newer database was opened: %v", err)
	}
}

// TestFlightEventsAreForgotten: the newest million stays.
func TestFlightEventsAreForgotten(t *testing.T) {
	s := open(t).(*Store)
	add := func() {
		t.Helper()
		if err := s.Write(t.Context(), func(x store.Tx) error {
			return x.AddFlight("CEN00001", status.FlightEvent{Client: "52:54:00:00:00:01"})
		}); err != nil {
			t.Fatal(err)
		}
	}
	add()
	if _, err := s.write.Exec("UPDATE sqlite_sequence SET seq = ? WHERE name = 'flight'", keepFlight-1); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{2, 2, 3} { // 1 goes when keepFlight+1 comes
		add()
		var n int
		if err := s.write.QueryRow("SELECT count(*) FROM flight").Scan(&n); err != nil || n != want {
			t.Errorf("%d events, %v; want %d", n, err, want)
		}
	}
}
