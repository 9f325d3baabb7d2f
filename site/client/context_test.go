package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"github.com/bootward/bootward/trust/trusttest"
)

func anchor(t testing.TB) (raw, fingerprint string) {
	t.Helper()
	s := trusttest.New(t, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	return string(s.RawAnchor), s.Anchor.Fingerprint()
}

func TestContext(t *testing.T) {
	raw, fingerprint := anchor(t)
	_, other := anchor(t)
	good := Context{Format: 1, URL: "https://10.0.0.1:8443", Site: "CEN", Fingerprint: fingerprint, Anchor: raw, Token: "t"}
	file := filepath.Join(t.TempDir(), "new", "context.yaml")
	if err := good.Save(file); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", st.Mode(), err)
	}
	good.dir = filepath.Dir(file)
	got, err := LoadContext(file)
	if err != nil || *got != good {
		t.Errorf("loaded %+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		change func(*Context)
		want   string
	}{
		"format":      {func(c *Context) { c.Format = 2 }, "format"},
		"http":        {func(c *Context) { c.URL = "http://10.0.0.1" }, "https"},
		"fingerprint": {func(c *Context) { c.Fingerprint = other }, "fingerprint"},
		"anchor":      {func(c *Context) { c.Anchor = "{}" }, "anchor"},
		"no proof":    {func(c *Context) { c.Token = "" }, "neither token nor certificate"},
	} {
		bad := good
		c.change(&bad)
		b, err := yaml.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseContext("context.yaml", b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseContext(f *testing.F) {
	raw, fingerprint := anchor(f)
	b, err := yaml.Marshal(Context{Format: 1, URL: "https://a", Site: "CEN", Fingerprint: fingerprint, Anchor: raw, Token: "t"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("format: 1\nurl: https://a\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseContext("x", b); err == nil && !strings.HasPrefix(strings.ToLower(c.URL), "https://") {
			t.Errorf("took url %q", c.URL)
		}
	})
}

// TestCertificateOfContext: a file that is missing or damaged is named.
func TestCertificateOfContext(t *testing.T) {
	raw, fingerprint := anchor(t)
	dir := t.TempDir()
	c := Context{Format: 1, URL: "https://10.0.0.1:8443", Site: "CEN", Fingerprint: fingerprint, Anchor: raw, Certificate: "ben.pem"}
	file := filepath.Join(dir, "context.yaml")
	if err := c.Save(file); err != nil {
		t.Fatal(err)
	}
	open := func() error {
		got, err := LoadContext(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = New(got)
		return err
	}
	if err := open(); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "ben.pem")) {
		t.Errorf("missing: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ben.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(); err == nil || !strings.Contains(err.Error(), "person certificate") {
		t.Errorf("damaged: %v", err)
	}
}
