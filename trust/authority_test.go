package trust

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func newKeyAndCSR(t testing.TB) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := NewCSR(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, csr
}

func newBox(t testing.TB, ca *Authority, name string) *Authority {
	t.Helper()
	key, csr := newKeyAndCSR(t)
	text, err := ca.BoxIntermediate(csr, name, day)
	if err != nil {
		t.Fatal(err)
	}
	box, err := ParseAuthority(text, key)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func parseChain(t testing.TB, text []byte) []*x509.Certificate {
	t.Helper()
	var chain []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	return chain
}

// forge signs whatever the template says, as a thief of the key could.
func forge(t testing.TB, parent *x509.Certificate, key crypto.Signer, template *x509.Certificate) []*x509.Certificate {
	t.Helper()
	own, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	template.NotBefore, template.NotAfter = day.Add(-time.Hour), day.Add(time.Hour)
	template.KeyUsage |= x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, parent, own.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return []*x509.Certificate{c, parent}
}

func TestIntermediateIsConstrained(t *testing.T) {
	ca, anchor, _ := testSite(t)
	box := newBox(t, ca, "Ward")
	server := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	uri := func(s string) []*url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return []*url.URL{u}
	}
	tests := []struct {
		name     string
		template x509.Certificate
		ok       bool
	}{
		{"itself", x509.Certificate{DNSNames: []string{"ward.cen.bootward.internal"}}, true},
		{"its point", x509.Certificate{DNSNames: []string{"mp.ward.cen.bootward.internal"}}, true},
		{"another box", x509.Certificate{DNSNames: []string{"bay.cen.bootward.internal"}}, false},
		{"another box's point", x509.Certificate{DNSNames: []string{"mp.bay.cen.bootward.internal"}}, false},
		{"a box whose name ends alike", x509.Certificate{DNSNames: []string{"xward.cen.bootward.internal"}}, false},
		{"one good name and one bad", x509.Certificate{DNSNames: []string{"mp.ward.cen.bootward.internal", "mp.bay.cen.bootward.internal"}}, false},
		{"the site", x509.Certificate{DNSNames: []string{"site.cen.bootward.internal"}}, false},
		{"a wildcard of the site", x509.Certificate{DNSNames: []string{"*.cen.bootward.internal"}}, false},
		{"IPv4", x509.Certificate{IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}}, false},
		{"IPv6", x509.Certificate{IPAddresses: []net.IP{net.ParseIP("2001:db8::1")}}, false},
		{"mail", x509.Certificate{EmailAddresses: []string{"a@ward.cen.bootward.internal"}}, false},
		{"URI", x509.Certificate{URIs: uri("https://ward.cen.bootward.internal/")}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.template.ExtKeyUsage = server
			chain := forge(t, box.Certificate, box.Key, &tt.template)
			_, err := anchor.VerifyChain(chain, x509.ExtKeyUsageServerAuth, day)
			if (err == nil) != tt.ok {
				t.Errorf("verify: %v, want ok %v", err, tt.ok)
			}
		})
	}
	t.Run("a CA below it", func(t *testing.T) {
		sub := forge(t, box.Certificate, box.Key, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
		subKey, err := NewKey()
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.CreateCertificate(rand.Reader, sub[0], box.Certificate, subKey.Public(), box.Key)
		if err != nil {
			t.Fatal(err)
		}
		if sub[0], err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		leaf := forge(t, sub[0], subKey, &x509.Certificate{DNSNames: []string{"mp.ward.cen.bootward.internal"}, ExtKeyUsage: server})
		if _, err := anchor.VerifyChain(append(leaf, box.Certificate), x509.ExtKeyUsageServerAuth, day); err == nil {
			t.Error("a CA below a box's intermediate is believed")
		}
	})
	t.Run("for code signing", func(t *testing.T) {
		chain := forge(t, box.Certificate, box.Key, &x509.Certificate{DNSNames: []string{"ward.cen.bootward.internal"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}})
		if _, err := anchor.VerifyChain(chain, x509.ExtKeyUsageCodeSigning, day); err == nil {
			t.Error("a box's intermediate signs for code")
		}
	})
}

func TestLeavesCannotSign(t *testing.T) {
	ca, anchor, _ := testSite(t)
	key, csr := newKeyAndCSR(t)
	client, err := ca.BoxClient(csr, "ward", day)
	if err != nil {
		t.Fatal(err)
	}
	c := parseChain(t, client)[0]
	if _, err := anchor.VerifyChain([]*x509.Certificate{c}, x509.ExtKeyUsageClientAuth, day); err != nil {
		t.Fatal(err)
	}
	if _, err := anchor.VerifyChain([]*x509.Certificate{c}, x509.ExtKeyUsageServerAuth, day); err == nil {
		t.Error("a box's client certificate serves")
	}
	chain := forge(t, c, key, &x509.Certificate{DNSNames: []string{"mp.ward.cen.bootward.internal"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	if _, err := anchor.VerifyChain(chain, x509.ExtKeyUsageServerAuth, day); err == nil {
		t.Error("a box's client certificate signs")
	}
	if _, err := ParseAuthority(client, key); err == nil {
		t.Error("a box's client certificate is taken as an authority")
	}
}

func TestJob(t *testing.T) {
	ca, anchor, _ := testSite(t)
	box := newBox(t, ca, "ward")
	_, csr := newKeyAndCSR(t)
	text, notAfter, err := box.Job(csr, "J17", day, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	chain := parseChain(t, text)
	if len(chain) != 2 || !chain[0].NotAfter.Equal(notAfter) || !notAfter.Equal(day.Add(time.Hour)) {
		t.Errorf("%d certificates, until %s and %s", len(chain), chain[0].NotAfter, notAfter)
	}
	if job, name, site, ok := ParseJobName(chain[0].DNSNames[0]); job != "j17" || name != "ward" || site != "CEN" || !ok {
		t.Errorf("name %q", chain[0].DNSNames)
	}
	for at, ok := range map[time.Time]bool{
		day: true, day.Add(-time.Hour): true, day.Add(59 * time.Minute): true, day.Add(61 * time.Minute): false,
		time.Unix(0, 0): true /* the anchor's time counts */, time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC): false,
	} {
		if _, err := anchor.VerifyChain(chain, x509.ExtKeyUsageClientAuth, at); (err == nil) != ok {
			t.Errorf("at %s: %v, want ok %v", at, err, ok)
		}
	}
	if _, err := anchor.VerifyChain(chain, x509.ExtKeyUsageServerAuth, day); err == nil {
		t.Error("a job's certificate serves")
	}
	for _, ttl := range []time.Duration{0, -1, MaxJobLife + 1} {
		if _, _, err := box.Job(csr, "j", day, ttl); err == nil {
			t.Errorf("a certificate for %s", ttl)
		}
	}
	if _, _, err := box.Job(csr, "a.b", day, time.Hour); err == nil {
		t.Error("a job with a dot in its name")
	}
}

func TestIssueRefuses(t *testing.T) {
	ca, _, _ := testSite(t)
	box := newBox(t, ca, "ward")
	key, csr := newKeyAndCSR(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr384, err := NewCSR(p384)
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(csr)
	broken[len(broken)-1] ^= 1
	try := map[string]func() error{
		"box called site":        func() error { _, err := ca.BoxClient(csr, "Site", day); return err },
		"box called person":      func() error { _, err := ca.BoxIntermediate(csr, "Person", day); return err },
		"box makes a person":     func() error { _, _, err := box.Person(csr, "ann", day, time.Hour); return err },
		"person for ever":        func() error { _, _, err := ca.Person(csr, "ann", day, 2*MaxPersonLife); return err },
		"box with a dot":         func() error { _, err := ca.BoxIntermediate(csr, "a.b", day); return err },
		"request of another key": func() error { _, err := ca.BoxClient(csr384, "ward", day); return err },
		"request that is broken": func() error { _, err := ca.BoxClient(broken, "ward", day); return err },
		"huge request":           func() error { _, err := ca.BoxClient(make([]byte, maxCSR+1), "ward", day); return err },
		"box makes a site":       func() error { _, err := box.SiteServer(key.Public(), day); return err },
		"box makes a box":        func() error { _, err := box.BoxIntermediate(csr, "bay", day); return err },
		"site makes a job":       func() error { _, _, err := ca.Job(csr, "j", day, time.Hour); return err },
		"site makes a point":     func() error { _, err := ca.PointServer(key.Public(), day, time.Hour); return err },
		"after its end":          func() error { _, _, err := box.Job(csr, "j", day.Add(2*AuthorityLife), time.Hour); return err },
		"site with four letters": func() error { _, err := NewAuthority("CENT", day); return err },
		"key of another": func() error {
			_, err := ParseAuthority(box.PEM(), key)
			return err
		},
	}
	for name, f := range try {
		if f() == nil {
			t.Errorf("%s: done", name)
		}
	}
}

func TestKeysRoundTrip(t *testing.T) {
	key, _ := newKeyAndCSR(t)
	text, err := MarshalKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseKey(text); err != nil || !got.Equal(key) {
		t.Errorf("got %v", err)
	}
	if _, err := ParseSigningKey(text); err == nil {
		t.Error("an ECDSA key is taken for ed25519")
	}
	text, err = MarshalKey(signingKey(3))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseSigningKey(text); err != nil || !got.Equal(signingKey(3)) {
		t.Errorf("got %v", err)
	}
	if _, err := ParseKey(text); err == nil {
		t.Error("an ed25519 key is taken for ECDSA")
	}
}

// TestOpenSSL has another program than Go's library check the constraints.
func TestOpenSSL(t *testing.T) {
	ca, _, _ := testSite(t)
	box := newBox(t, ca, "ward")
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	caFile, boxFile := write("ca.pem", ca.PEM()), write("box.pem", box.PEM())
	for name, ok := range map[string]bool{"mp.ward.cen.bootward.internal": true, "mp.bay.cen.bootward.internal": false} {
		chain := forge(t, box.Certificate, box.Key, &x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		leafFile := write("leaf.pem", encodeCertificate(chain[0].Raw))
		out, err := exec.CommandContext(t.Context(), "openssl", "verify", "-purpose", "sslserver", "-attime", "1772366400",
			"-CAfile", caFile, "-untrusted", boxFile, leafFile).CombinedOutput()
		if (err == nil) != ok {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}
