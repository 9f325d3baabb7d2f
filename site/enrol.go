package site

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

// TokenLife is how long an enrolment token is good for.
const TokenLife = 7 * day

// EnrolToken makes a one-time token for a box. Earlier unused tokens of the
// box are void.
func (s *Site) EnrolToken(ctx context.Context, who, box string) (*api.EnrolToken, error) {
	token, err := trust.NewToken(s.anchor.Fingerprint())
	if err != nil {
		return nil, fmt.Errorf("make token: %w", err)
	}
	out := &api.EnrolToken{Token: token, ExpiresAt: s.now().UTC().Add(TokenLife).Truncate(time.Second)}
	err = s.change(ctx, who, func(x store.Tx, w world) error {
		o, err := x.Object(osd.KindBox, box)
		if err != nil {
			return err
		}
		if err := w.need(osd.Change, w.kinds[osd.KindBox][o.Name]); err != nil {
			return err
		}
		out.Box = o.Name
		return errors.Join(
			x.PutToken(store.Token{Hash: trust.TokenHash(token), Box: o.ID, ExpiresAt: out.ExpiresAt}),
			s.audit(x, who, "token", fmt.Sprintf("Box %q", o.Name), "good until "+out.ExpiresAt.Format(time.RFC3339)))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Enrol gives a box its identity for a one-time token. The token is used in
// the transaction that keeps the certificate; an earlier certificate of the
// box is good no longer. A box whose answer was lost on the way asks again with
// the same keys and state, and gets one; for anybody else the token is used.
func (s *Site) Enrol(ctx context.Context, in api.Enrol) (*api.Enrolled, error) {
	if in.StateID == "" || len(in.StateID) > 128 {
		return nil, api.Errorf(api.CodeInvalid, "stateID", "is missing or longer than 128 bytes")
	}
	by, err := enrollee(in)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "certificate request", "%v", err)
	}
	if len(in.SealingKey) > 0 { // older boxes have none
		if err := trust.CheckSealingKey(in.SealingKey); err != nil {
			return nil, api.Errorf(api.CodeInvalid, "sealingKey", "%v", err)
		}
	}
	out := &api.Enrolled{Site: s.code, Anchor: s.rawAnchor}
	err = s.write(ctx, func(x store.Tx) error {
		t, err := x.UseToken(trust.TokenHash(in.Token), by, s.now())
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
			return api.Errorf(api.CodeUnauthorized, "enrolment token", "is unknown, used or has ended").WithRemedy("make a new one: bootward box token NAME")
		}
		if err != nil {
			return err
		}
		o, err := x.Object(osd.KindBox, t.Box)
		if err != nil {
			return err
		}
		out.Box, out.BoxName = o.ID, o.Name
		fingerprint, err := s.certify(in, out)
		if err != nil {
			return api.Errorf(api.CodeInvalid, fmt.Sprintf("Box %q", o.Name), "%v", err)
		}
		return errors.Join(
			x.PutBox(store.Box{ID: o.ID, Certificate: fingerprint, StateID: in.StateID, EnrolledAt: s.now(), LastSeen: s.now(), SealingKey: in.SealingKey}),
			s.audit(x, "box "+o.Name, "enrol", fmt.Sprintf("Box %q", o.Name),
				fmt.Sprintf("state %s, board %q, version %q, certificate %s", in.StateID, in.Board, in.Version, fingerprint)))
	})
	if err != nil {
		return nil, err
	}
	s.log.Info("box enrolled", "box", out.BoxName, "id", out.Box, "state", in.StateID)
	return out, nil
}

// enrollee is the fingerprint of who enrols: both keys, which the requests prove
// possession of, the sealing key and the state.
func enrollee(in api.Enrol) (string, error) {
	h := sha256.New()
	for _, csr := range [][]byte{in.ClientCSR, in.IntermediateCSR} {
		key, err := trust.ParseCSR(csr)
		if err != nil {
			return "", err
		}
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return "", err
		}
		h.Write(der)
	}
	h.Write(in.SealingKey)
	h.Write([]byte(in.StateID))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// certify makes both certificates and returns the SHA-256 of the client's.
func (s *Site) certify(in api.Enrol, out *api.Enrolled) (string, error) {
	client, err := s.keys.CA.BoxClient(in.ClientCSR, out.BoxName, s.now())
	if err != nil {
		return "", fmt.Errorf("client certificate: %w", err)
	}
	intermediate, err := s.keys.CA.BoxIntermediate(in.IntermediateCSR, out.BoxName, s.now())
	if err != nil {
		return "", fmt.Errorf("intermediate: %w", err)
	}
	out.Certificate, out.Intermediate = string(client)+s.anchor.CA, string(intermediate)+s.anchor.CA
	block, _ := pem.Decode(client)
	if block == nil {
		return "", errors.New("client certificate: is not PEM")
	}
	return fingerprintDER(block.Bytes), nil
}

func fingerprintDER(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// boxOf finds the box that a verified client certificate is good for.
func (s *Site) boxOf(ctx context.Context, cert *x509.Certificate) (store.Box, error) {
	var b store.Box
	for _, dns := range cert.DNSNames {
		if _, site, ok := trust.ParseBoxName(dns); !ok || trust.SiteName(site) != trust.SiteName(s.code) {
			return b, store.ErrNotFound
		}
	}
	err := s.store.Read(ctx, func(x store.Tx) (err error) {
		b, err = x.BoxByCertificate(fingerprintDER(cert.Raw))
		return err
	})
	return b, err
}

// CheckIn keeps what a box says of itself.
func (s *Site) CheckIn(ctx context.Context, box string, in api.CheckIn) (*api.CheckedIn, error) {
	in.Pending = checkPending(in.Pending)
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	err = s.store.Write(ctx, func(x store.Tx) error {
		b, err := x.Box(box)
		if err != nil {
			return err
		}
		if err := sameState(b, in.StateID); err != nil {
			return err
		}
		b.LastSeen, b.CheckIn = s.now(), raw
		return x.PutBox(b)
	})
	if err != nil {
		return nil, err
	}
	return &api.CheckedIn{Time: s.now().UTC()}, nil
}

// sameState refuses a box whose data partition is not the one it enrolled
// with: its grants count as used, so it must not go on as if nothing was.
func sameState(b store.Box, stateID string) error {
	if b.StateID == stateID {
		return nil
	}
	return api.Errorf(api.CodeForbidden, b.ID, "state %q is not the one that the box enrolled with", stateID).
		WithRemedy("enrol the box again: bootward box token NAME")
}
