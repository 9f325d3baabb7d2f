package trust

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// day is when the site of these tests begins.
var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testSite(t testing.TB) (*Authority, *Anchor, []byte) {
	t.Helper()
	ca, err := NewAuthority("cen", day)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := NewAnchor("cen", signingKey(9), []ed25519.PublicKey{public(signingKey(1))}, ca.PEM(), day)
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := ParseAnchor(raw)
	if err != nil {
		t.Fatal(err)
	}
	return ca, anchor, raw
}

func TestAnchor(t *testing.T) {
	_, a, _ := testSite(t)
	if a.Site != "CEN" || a.Fingerprint() != KeyID(public(signingKey(9))) || !a.IssuedAt.Equal(day) || len(a.Signing) != 1 {
		t.Errorf("got %+v", a)
	}
}

func TestParseAnchorRefuses(t *testing.T) {
	_, good, raw := testSite(t)
	root := signingKey(9)
	sign := func(change func(*Anchor)) []byte {
		a := *good
		change(&a)
		return mustJSON(t, Sign(TypeTrust, mustJSON(t, a), root))
	}
	tests := map[string][]byte{
		"another root":       sign(func(a *Anchor) { a.Root = public(signingKey(8)) }),
		"no root":            sign(func(a *Anchor) { a.Root = nil }),
		"format 2":           sign(func(a *Anchor) { a.Format = 2 }),
		"short signing key":  sign(func(a *Anchor) { a.Signing = []ed25519.PublicKey{{1}} }),
		"no signing key":     sign(func(a *Anchor) { a.Signing = nil }),
		"no CA":              sign(func(a *Anchor) { a.CA = "" }),
		"CA is no PEM block": sign(func(a *Anchor) { a.CA = strings.ReplaceAll(a.CA, "A", "!") }),
		"site with a dot":    sign(func(a *Anchor) { a.Site = "a.b" }),
		"another type":       mustJSON(t, Sign(TypePolicy, mustJSON(t, good), root)),
		"too long":           append(raw, make([]byte, maxAnchor)...),
		"empty":              nil,
	}
	for name, raw := range tests {
		if a, err := ParseAnchor(raw); err == nil {
			t.Errorf("%s: taken: %+v", name, a)
		}
	}
}

// TestAnchorHoldsNoSecret: boot images carry it, anybody may read it.
func TestAnchorHoldsNoSecret(t *testing.T) {
	now := time.Now()
	ca, err := NewAuthority("CEN", now)
	if err != nil {
		t.Fatal(err)
	}
	_, root, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := NewAnchor("CEN", root, []ed25519.PublicKey{root.Public().(ed25519.PublicKey)}, ca.PEM(), now)
	if err != nil {
		t.Fatal(err)
	}
	var e Envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	text := string(raw) + string(e.Payload)
	if strings.Contains(text, "PRIVATE") || strings.Contains(text, string(root.Seed())) || strings.Contains(text, base64.StdEncoding.EncodeToString(root.Seed())[:40]) {
		t.Error("the anchor holds a private key")
	}
}

func FuzzParseAnchor(f *testing.F) {
	_, _, raw := testSite(f)
	f.Add(raw)
	var e Envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		f.Fatal(err)
	}
	e.Payload = []byte(`{"format":1}`)
	f.Add(mustJSON(f, e))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := ParseAnchor(raw)
		if err == nil && (len(a.Root) != ed25519.PublicKeySize || len(a.Signing) == 0) {
			t.Errorf("took %+v", a)
		}
	})
}

func TestNow(t *testing.T) {
	at := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct{ clock, built, signed, want int }{
		{1970, 2026, 2027, 2027}, {1970, 2026, 2025, 2026}, {2030, 2026, 2027, 2030},
	} {
		if got := Now(at(tt.clock), at(tt.built), at(tt.signed)); got.Year() != tt.want {
			t.Errorf("Now(%d, %d, %d) = %d, want %d", tt.clock, tt.built, tt.signed, got.Year(), tt.want)
		}
	}
}
