package settings

import (
	"os/exec"
	"strings"
	"testing"
)

// TestSHA512Crypt compares with the vectors of the specification and with OpenSSL.
func TestSHA512Crypt(t *testing.T) {
	const want = "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."
	if got := sha512crypt([]byte("Hello world!"), []byte("saltstringsaltst"), 10000); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, password := range []string{"x", "pa ss:wörd", strings.Repeat("long ", 40)} {
		cmd := exec.CommandContext(t.Context(), "openssl", "passwd", "-6", "-salt", "rounds=5000$abcdefghij", "-stdin")
		cmd.Stdin = strings.NewReader(password + "\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := sha512crypt([]byte(password), []byte("abcdefghij"), 5000), strings.TrimSpace(string(out)); got != want {
			t.Errorf("%q: got %s, want %s", password, got, want)
		}
	}
	if a, b := hashPassword("x"), hashPassword("x"); a == b || !strings.HasPrefix(a, "$6$rounds=200000$") {
		t.Errorf("%s and %s", a, b)
	}
}
