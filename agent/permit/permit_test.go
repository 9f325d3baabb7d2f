package permit

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

var _ disk.Permit = (*Permit)(nil)

const document = `{"format":1,"name":"s","steps":[{"setupOperatingSystem":{}}]}`

func TestFromGrant(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(nil)
	_, stranger, _ := ed25519.GenerateKey(nil)
	anchor := &trust.Anchor{Signing: []ed25519.PublicKey{pub}}
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	digest, err := Digest(json.RawMessage(document))
	if err != nil {
		t.Fatal(err)
	}
	grant := func(change func(*policy.Grant)) policy.Grant {
		g := policy.Grant{ID: "g1", Computer: "CEN1", ComputerName: "ward-pc-1", Advertisement: "CEN2", Sequence: digest,
			MACs: []string{"52:54:00:12:34:56"}, SMBIOSGUID: "33221100-5544-7766-8899-aabbccddeeff", ExpiresAt: now.Add(time.Hour)}
		if change != nil {
			change(&g)
		}
		return g
	}
	identity := api.Identity{MACs: []string{"52-54-00-12-34-56"}, SMBIOSGUID: "33221100-5544-7766-8899-AABBCCDDEEFF"}
	tests := []struct {
		name     string
		grant    policy.Grant
		key      ed25519.PrivateKey
		kind     string
		identity api.Identity
		fails    string
	}{
		{"good", grant(nil), key, trust.TypeGrant, identity, ""},
		{"MAC alone", grant(nil), key, trust.TypeGrant, api.Identity{MACs: identity.MACs}, ""},
		{"GUID alone", grant(nil), key, trust.TypeGrant, api.Identity{SMBIOSGUID: identity.SMBIOSGUID}, ""},
		{"stranger's key", grant(nil), stranger, trust.TypeGrant, identity, "no valid signature"},
		{"another type", grant(nil), key, trust.TypePolicy, identity, "type is"},
		{"another sequence", grant(func(g *policy.Grant) { g.Sequence = "sha256:00" }), key, trust.TypeGrant, identity, "is for version"},
		{"another advertisement", grant(func(g *policy.Grant) { g.Advertisement = "CEN9" }), key, trust.TypeGrant, identity, "is for advertisement"},
		{"another machine", grant(nil), key, trust.TypeGrant, api.Identity{MACs: []string{"52:54:00:00:00:01"}}, "is for computer ward-pc-1"},
		{"MAC fits, GUID not", grant(nil), key, trust.TypeGrant, api.Identity{MACs: identity.MACs, SMBIOSGUID: "00000000-0000-0000-0000-000000000001"}, "SMBIOS GUID"},
		{"no labels", grant(func(g *policy.Grant) { g.MACs, g.SMBIOSGUID = nil, "" }), key, trust.TypeGrant, api.Identity{}, "is for computer"},
		{"over", grant(func(g *policy.Grant) { g.ExpiresAt = now }), key, trust.TypeGrant, identity, "ended at"},
		{"no ID", grant(func(g *policy.Grant) { g.ID = "" }), key, trust.TypeGrant, identity, "no ID"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			payload, _ := json.Marshal(tt.grant)
			raw, _ := json.Marshal(trust.Sign(tt.kind, payload, tt.key))
			j := &api.Job{ID: "j", Advertisement: "CEN2", Grant: raw, Sequence: policy.Sequence{Document: json.RawMessage(document), Digest: digest}}
			p, err := FromGrant(j, anchor, tt.identity, func() time.Time { return now })
			if tt.fails == "" {
				if err != nil || p.Allow(disk.Disk{Name: "vda"}) != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("got %v, want %q", err, tt.fails)
			}
			if p.Allow(disk.Disk{Name: "vda"}) == nil {
				t.Error("a refused permit allows writing")
			}
		})
	}
}

// TestNoGrant: neither a job without a grant nor an empty permit allows anything.
func TestNoGrant(t *testing.T) {
	if _, err := FromGrant(&api.Job{ID: "j"}, &trust.Anchor{}, api.Identity{}, time.Now); err == nil {
		t.Error("a job without a grant got a permit")
	}
	var none *Permit
	for _, p := range []*Permit{none, {}} {
		if p.Allow(disk.Disk{}) == nil {
			t.Error("an empty permit allows writing")
		}
	}
}

// TestGrantEnds: when a grant ends during the job, the disk that it was spent
// on is finished, and no other is touched.
func TestGrantEnds(t *testing.T) {
	now := time.Unix(1000, 0)
	p := &Permit{grant: &policy.Grant{ID: "g", ExpiresAt: time.Unix(2000, 0)}, now: func() time.Time { return now }}
	if err := p.Allow(disk.Disk{Name: "vda"}); err != nil {
		t.Error(err)
	}
	now = time.Unix(2000, 0)
	if err := p.Allow(disk.Disk{Name: "vda"}); err != nil {
		t.Errorf("the disk that was begun: %v", err)
	}
	if p.Allow(disk.Disk{Name: "vdb"}) == nil {
		t.Error("an ended grant allows another disk")
	}
	late := &Permit{grant: p.grant, now: p.now}
	if late.Allow(disk.Disk{Name: "vda"}) == nil {
		t.Error("an ended grant allows a first write")
	}
}

func TestFromPerson(t *testing.T) {
	seen := disk.Disk{Name: "vda", Size: 1 << 30, SectorSize: 512}
	if _, err := FromPerson(&api.Job{ID: "j"}, seen, time.Now); err == nil {
		t.Error("a person allowed what the box does not let a person allow")
	}
	if _, err := FromPerson(&api.Job{ID: "j", PersonGranted: true}, disk.Disk{Name: "sda", Size: 1, Bus: disk.USB}, time.Now); err == nil {
		t.Error("a USB disk was allowed")
	}
	p, err := FromPerson(&api.Job{ID: "j", PersonGranted: true}, seen, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Allow(seen); err != nil {
		t.Error(err)
	}
	if p.Allow(disk.Disk{Name: "vdb", Size: 1 << 30, SectorSize: 512}) == nil {
		t.Error("the consent to one disk covers another")
	}
}

func TestSequence(t *testing.T) {
	digest, _ := Digest(json.RawMessage(" " + strings.ReplaceAll(document, ",", ", ")))
	j := &api.Job{ID: "j", Sequence: policy.Sequence{Document: json.RawMessage(document), Digest: digest}}
	if s, err := Sequence(j); err != nil || s.Name != "s" {
		t.Errorf("%v, %v", s, err)
	}
	j.Sequence.Document = json.RawMessage(strings.Replace(document, `"s"`, `"t"`, 1))
	if _, err := Sequence(j); err == nil {
		t.Error("a changed document was taken")
	}
}

// TestMarked: nothing is allowed before the box has noted the first write, and it
// is asked once.
func TestMarked(t *testing.T) {
	asked := 0
	var refuse error
	allowed := errors.New("the permit inside says no")
	m := &Marked{Permit: permitFunc(func(disk.Disk) error { return allowed }), Mark: func(disk.Disk) error { asked++; return refuse }}
	if err := m.Allow(disk.Disk{}); !errors.Is(err, allowed) || asked != 0 {
		t.Errorf("refused inside: %v, asked %d times", err, asked)
	}
	allowed, refuse = nil, errors.New("the job has ended")
	if err := m.Allow(disk.Disk{}); !errors.Is(err, refuse) {
		t.Errorf("refused by the box: %v", err)
	}
	refuse = nil
	for range 3 {
		if err := m.Allow(disk.Disk{}); err != nil {
			t.Error(err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

type permitFunc func(disk.Disk) error

func (f permitFunc) Allow(d disk.Disk) error { return f(d) }
