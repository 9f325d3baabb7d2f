package trust

import (
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	fingerprint := KeyID(public(signingKey(9)))
	one, err := NewToken(fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	two, err := NewToken(fingerprint)
	if err != nil || one == two {
		t.Fatalf("%q, then %q, %v", one, two, err)
	}
	if got, err := ParseToken(" " + one + "\n"); err != nil || got != fingerprint {
		t.Errorf("got %q, %v", got, err)
	}
	if TokenHash(one) != TokenHash(one+"\n") || TokenHash(one) == TokenHash(two) {
		t.Error("the hash depends on white space, or not on the secret")
	}
	for _, bad := range []string{"", "bw1", "bw1..", "bw2" + one[3:], one[:len(one)-1], one + "A", strings.ToUpper(one), one[:len(one)-1] + "!"} {
		if got, err := ParseToken(bad); err == nil {
			t.Errorf("%q gives %q", bad, got)
		}
	}
	if _, err := NewToken("short"); err == nil {
		t.Error("a token for a wrong fingerprint")
	}
}

func FuzzParseToken(f *testing.F) {
	token, err := NewToken(KeyID(public(signingKey(9))))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("bw1.0123456789abcdef0123456789abcdef.")
	f.Fuzz(func(t *testing.T, token string) {
		fingerprint, err := ParseToken(token)
		if err == nil && !strings.HasPrefix(strings.TrimSpace(token), "bw1."+fingerprint+".") {
			t.Errorf("%q gives %q", token, fingerprint)
		}
	})
}
