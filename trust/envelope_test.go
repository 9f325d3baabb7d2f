package trust

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"testing"
)

// TestPreAuthEncoding holds the test vector of DSSE v1 (protocol.md).
func TestPreAuthEncoding(t *testing.T) {
	got := preAuthEncoding("http://example.com/HelloWorld", []byte("hello world"))
	want := "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func signingKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestOpen(t *testing.T) {
	key, other := signingKey(1), signingKey(2)
	payload := []byte(`{"format":1}`)
	change := func(f func(*Envelope)) []byte {
		e := Sign(TypeManifest, payload, key)
		f(&e)
		return mustJSON(t, e)
	}
	tests := []struct {
		name string
		raw  []byte
		keys []ed25519.PublicKey
		ok   bool
		sig  bool // the error is ErrSignature
	}{
		{name: "good", raw: change(func(*Envelope) {}), ok: true},
		{name: "second of two keys", raw: change(func(*Envelope) {}), keys: []ed25519.PublicKey{public(other), public(key)}, ok: true},
		{name: "unknown signature first", raw: change(func(e *Envelope) {
			e.Signatures = append(Sign(TypeManifest, payload, other).Signatures, e.Signatures...)
		}), ok: true},
		{name: "unknown key", raw: change(func(*Envelope) {}), keys: []ed25519.PublicKey{public(other)}, sig: true},
		{name: "no keys", raw: change(func(*Envelope) {}), keys: []ed25519.PublicKey{}, sig: true},
		{name: "key of wrong length", raw: change(func(*Envelope) {}), keys: []ed25519.PublicKey{{1, 2}}, sig: true},
		{name: "payload changed", raw: change(func(e *Envelope) { e.Payload = []byte(`{"format":2}`) }), sig: true},
		{name: "another type", raw: mustJSON(t, Sign(TypePolicy, payload, key))},
		{name: "type renamed", raw: change(func(e *Envelope) {
			e.Signatures = Sign(TypePolicy, payload, key).Signatures
		}), sig: true},
		{name: "key id of another", raw: change(func(e *Envelope) {
			e.Signatures = Sign(TypeManifest, payload, other).Signatures
			e.Signatures[0].KeyID = KeyID(public(key))
		}), sig: true},
		{name: "no signature", raw: change(func(e *Envelope) { e.Signatures = nil }), sig: true},
		{name: "too many signatures", raw: change(func(e *Envelope) { e.Signatures = make([]Signature, maxSignatures+1) })},
		{name: "not JSON", raw: []byte("no")},
		{name: "two documents", raw: append(change(func(*Envelope) {}), "{}"...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys := tt.keys
			if keys == nil {
				keys = []ed25519.PublicKey{public(key)}
			}
			got, err := Open(tt.raw, TypeManifest, keys)
			if (err == nil) != tt.ok || tt.ok && !bytes.Equal(got, payload) || !tt.ok && got != nil {
				t.Errorf("got %q, %v", got, err)
			}
			if errors.Is(err, ErrSignature) != tt.sig {
				t.Errorf("error %v: ErrSignature is %v, want %v", err, !tt.sig, tt.sig)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	key := signingKey(1)
	payload := []byte("payload")
	f.Add(mustJSON(f, Sign(TypeManifest, payload, key)))
	f.Add(mustJSON(f, Sign(TypePolicy, payload, key)))
	f.Add([]byte(`{"payloadType":"bootward.manifest.v1","payload":"","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Open(raw, TypeManifest, []ed25519.PublicKey{public(key)})
		if err == nil && !bytes.Equal(got, payload) {
			t.Errorf("opened %q, which was never signed", got)
		}
	})
}
