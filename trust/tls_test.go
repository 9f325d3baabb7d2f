package trust

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"strings"
	"testing"
	"time"
)

// world is a site, a box and a job, with certificates ready for TLS.
type world struct {
	anchor             *Anchor
	point, job, client *tls.Certificate
}

func newWorld(t *testing.T) world {
	t.Helper()
	ca, anchor, _ := testSite(t)
	box := newBox(t, ca, "ward")
	later := day.Add(60 * 24 * time.Hour) // a machine whose battery is flat knows only the anchor
	pointKey, _ := newKeyAndCSR(t)
	point, err := box.PointServer(pointKey.Public(), later, 90*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	jobKey, csr := newKeyAndCSR(t)
	job, _, err := box.Job(csr, "j1", later, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	clientKey, csr := newKeyAndCSR(t)
	client, err := ca.BoxClient(csr, "ward", later)
	if err != nil {
		t.Fatal(err)
	}
	pair := func(chain []byte, key crypto.Signer) *tls.Certificate {
		text, err := MarshalKey(key)
		if err != nil {
			t.Fatal(err)
		}
		p, err := KeyPair(chain, text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	return world{anchor, pair(point, pointKey), pair(job, jobKey), pair(client, clientKey)}
}

func fixed(t time.Time) func() time.Time { return func() time.Time { return t } }

func always(c *tls.Certificate) func() *tls.Certificate {
	return func() *tls.Certificate { return c }
}

// shake does a handshake and one byte each way, and gives the name that the
// server saw.
func shake(t *testing.T, client, server *tls.Config) (seen string, clientErr, serverErr error) {
	t.Helper()
	a, b := net.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		conn := tls.Server(b, server)
		defer conn.Close()
		err := conn.HandshakeContext(ctx)
		if err == nil {
			if peers := conn.ConnectionState().PeerCertificates; len(peers) > 0 {
				seen = peers[0].DNSNames[0]
			}
			_, err = conn.Write([]byte{1})
		}
		done <- err
	}()
	conn := tls.Client(a, client)
	if clientErr = conn.HandshakeContext(ctx); clientErr == nil {
		_, clientErr = conn.Read(make([]byte, 1)) // in TLS 1.3 a refusal of the client comes here
	}
	a.Close()
	return seen, clientErr, <-done
}

func TestTLS(t *testing.T) {
	w, foreign := newWorld(t), newWorld(t)
	now := day.Add(60*24*time.Hour + time.Minute)
	y1970, y2099 := time.Unix(0, 0), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	isPoint := IsPoint("CEN")
	tests := []struct {
		name           string
		client, server *tls.Certificate
		wantName       func(string) bool
		clientNow      time.Time
		serverNow      time.Time
		seen           string
		fails          string // part of the error of either side
	}{
		{"no client certificate", nil, w.point, isPoint, now, now, "", ""},
		{"a job", w.job, w.point, isPoint, now, now, "j1.job.ward.cen.bootward.internal", ""},
		{"a box", w.client, w.point, isPoint, now, now, "ward.cen.bootward.internal", ""},
		{"client's clock at 1970", w.job, w.point, isPoint, y1970, now, "j1.job.ward.cen.bootward.internal", ""},
		{"client's clock at 2099", w.job, w.point, isPoint, y2099, now, "", "expired"},
		{"server's clock at 2099", w.job, w.point, isPoint, now, y2099, "", "expired"},
		{"job has ended", w.job, w.point, isPoint, now, now.Add(2 * time.Hour), "", "expired"},
		{"another name wanted", w.job, w.point, IsSite("CEN"), now, now, "", "not the server that was wanted"},
		{"another site's server", nil, foreign.point, isPoint, now, now, "", "unknown authority"},
		{"another site's job", foreign.job, w.point, isPoint, now, now, "", "unknown authority"},
		{"a job as server", nil, w.job, func(string) bool { return true }, now, now, "", "incompatible key usage"},
		{"a server as client", w.point, w.point, isPoint, now, now, "", "incompatible key usage"},
		{"server without certificate", nil, nil, isPoint, now, now, "", "no certificate yet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := ClientTLS(w.anchor, tt.wantName, always(tt.client), fixed(tt.clientNow))
			server := ServerTLS(w.anchor, always(tt.server), fixed(tt.serverNow))
			seen, clientErr, serverErr := shake(t, client, server)
			both := ""
			for _, err := range []error{clientErr, serverErr} {
				if err != nil {
					both += err.Error() + "; "
				}
			}
			if tt.fails == "" && both != "" || !strings.Contains(both, tt.fails) || tt.fails == "" && seen != tt.seen {
				t.Errorf("saw %q, errors %q; want %q, errors with %q", seen, both, tt.seen, tt.fails)
			}
		})
	}
}

func TestTLSVersion(t *testing.T) {
	w := newWorld(t)
	server := ServerTLS(w.anchor, always(w.point), fixed(day))
	client := ClientTLS(w.anchor, IsPoint("CEN"), nil, fixed(day))
	client.MinVersion, client.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if _, err, _ := shake(t, client, server); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
}

// TestIssuer: the key of a box is that of the intermediate which signed what the
// server shows, not one of certificates that are merely sent along.
func TestIssuer(t *testing.T) {
	ca, anchor, _ := testSite(t)
	ward, other := newBox(t, ca, "ward"), newBox(t, ca, "other")
	key, _ := newKeyAndCSR(t)
	chainPEM, err := ward.PointServer(key.Public(), day, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var chain []*x509.Certificate
	for block, rest := pem.Decode(chainPEM); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	for name, sent := range map[string][]*x509.Certificate{"as it is": chain, "another box's sent along": {chain[0], other.Certificate, ward.Certificate}} {
		if got, err := anchor.Issuer(sent, x509.ExtKeyUsageServerAuth, day); err != nil || !got.Equal(ward.Key.Public()) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	_, foreign, _ := testSite(t)
	for name, try := range map[string]func() (*ecdsa.PublicKey, error){
		"nothing": func() (*ecdsa.PublicKey, error) { return anchor.Issuer(nil, x509.ExtKeyUsageServerAuth, day) },
		"another's issuer": func() (*ecdsa.PublicKey, error) {
			return anchor.Issuer([]*x509.Certificate{chain[0], other.Certificate}, x509.ExtKeyUsageServerAuth, day)
		},
		"another site": func() (*ecdsa.PublicKey, error) { return foreign.Issuer(chain, x509.ExtKeyUsageServerAuth, day) },
		"another use":  func() (*ecdsa.PublicKey, error) { return anchor.Issuer(chain, x509.ExtKeyUsageClientAuth, day) },
	} {
		if key, err := try(); err == nil {
			t.Errorf("%s: %v", name, key)
		}
	}
}
