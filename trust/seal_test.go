package trust

import (
	"bytes"
	"strings"
	"testing"
)

func TestSeal(t *testing.T) {
	key, err := NewSealingKey()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSealingKey(raw)
	if err != nil || !bytes.Equal(again.Public(), key.Public()) || CheckSealingKey(key.Public()) != nil {
		t.Fatalf("the key does not come back: %v", err)
	}
	text, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseSealingPEM(text); err != nil || !bytes.Equal(again.Public(), key.Public()) {
		t.Fatalf("the key does not come back out of its file: %v", err)
	}
	for _, bad := range []string{"", "no PEM", strings.ReplaceAll(string(text), "BOOTWARD SEALING", "PRIVATE"), string(text[:60])} {
		if _, err := ParseSealingPEM([]byte(bad)); err == nil {
			t.Errorf("%q was read as a key", bad)
		}
	}
	secret := []byte("Canary-of-a-sealed-value")
	sealed, err := Seal(key.Public(), "a", secret)
	if err != nil {
		t.Fatal(err)
	}
	if other, _ := Seal(key.Public(), "a", secret); bytes.Equal(other, sealed) || bytes.Contains(sealed, secret) {
		t.Error("what is sealed tells something of the secret")
	}
	if got, err := again.Open("a", sealed); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("got %q, %v", got, err)
	}
	stranger, err := NewSealingKey()
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another context": func() ([]byte, error) { return key.Open("b", sealed) },
		"another key":     func() ([]byte, error) { return stranger.Open("a", sealed) },
		"damaged":         func() ([]byte, error) { return key.Open("a", flipped) },
		"cut":             func() ([]byte, error) { return key.Open("a", sealed[:40]) },
		"empty":           func() ([]byte, error) { return key.Open("a", nil) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s: opened %q", name, got)
		}
	}
	if _, err := Seal([]byte("no key"), "a", secret); err == nil {
		t.Error("sealed to no key")
	}
	if _, err := Seal(key.Public(), "a", make([]byte, maxSecret+1)); err == nil {
		t.Error("a secret that is too long was sealed")
	}
}

func TestPassword(t *testing.T) {
	v := NewVerifier("correct horse")
	if v == NewVerifier("correct horse") || strings.Contains(v, "correct") || !strings.HasPrefix(v, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("verifier %q", v)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horse ": false, "": false} {
		if got, err := CheckPassword(v, password); err != nil || got != want {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	// The vector of the reference implementation (phc-winner-argon2, test.c).
	if ok, err := CheckPassword("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"); err != nil || !ok {
		t.Errorf("reference vector: %v, %v", ok, err)
	}
	for _, bad := range []string{"", "$", v[:20], strings.Replace(v, "m=19456", "m=99999999", 1), strings.Replace(v, "t=2", "t=0", 1), v + "$", strings.Replace(v, "argon2id", "argon2i", 1)} {
		if ok, err := CheckPassword(bad, "correct horse"); err == nil || ok {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password")
	f.Fuzz(func(t *testing.T, verifier, password string) {
		if len(verifier) > 40 && strings.Contains(verifier, "m=") && !strings.Contains(verifier, "m=8,") {
			return // costs seconds, not insight
		}
		if _, err := CheckPassword(verifier, password); err == nil && !strings.HasPrefix(verifier, "$argon2id$") {
			t.Errorf("%q was read", verifier)
		}
	})
}

func TestApprovalCode(t *testing.T) {
	box, _ := newKeyAndCSR(t)
	client, _ := newKeyAndCSR(t)
	nonce := bytes.Repeat([]byte{7}, NonceSize)
	code := func(nonce []byte) string {
		c, err := ApprovalCode(&box.PublicKey, &client.PublicKey, nonce)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one := code(nonce)
	if len(one) != 7 || one[3] != '-' || one != code(nonce) || NormalizeCode(one) != one {
		t.Errorf("code %q", one)
	}
	if swapped, _ := ApprovalCode(&client.PublicKey, &box.PublicKey, nonce); swapped == one {
		t.Error("the code does not tell the box from the client")
	}
	if code(bytes.Repeat([]byte{8}, NonceSize)) == one {
		t.Error("the code does not depend on the nonce")
	}
	if _, err := ApprovalCode(&box.PublicKey, &client.PublicKey, nonce[1:]); err == nil {
		t.Error("a short nonce was taken")
	}
	for typed, want := range map[string]string{"482913": "482-913", "482 913": "482-913", "482-913": "482-913", "48291": "", "4829133": "", "48291a": "", "": ""} {
		if got := NormalizeCode(typed); got != want {
			t.Errorf("NormalizeCode(%q) = %q", typed, got)
		}
	}
}
