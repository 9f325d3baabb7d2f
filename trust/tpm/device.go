package tpm

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"
)

// DevicePath is the TPM of a machine that runs Linux: the one behind the kernel's
// resource manager, so that what others keep in the TPM is left alone.
const DevicePath = "/dev/tpmrm0"

// Device is the TPM of this machine, with its endorsement key loaded. It is for one
// goroutine.
type Device struct {
	tpm transport.TPMCloser
	// Key is the public endorsement key in PKIX form.
	Key []byte
	// Name is that of the object to which challenges are bound.
	Name []byte

	endorsement, bound loaded
}

// loaded is an object in the TPM.
type loaded struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
}

// Open opens the TPM at a path and loads its endorsement key. A machine without a
// TPM gives fs.ErrNotExist.
func Open(path string) (*Device, error) {
	t, err := linuxtpm.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open TPM: %w", err)
	}
	return Use(t)
}

// Use takes a TPM that is open, and closes it when that fails.
func Use(t transport.TPMCloser) (*Device, error) {
	d := &Device{tpm: t}
	if err := d.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("TPM: %w", err), d.Close())
	}
	return d, nil
}

func (d *Device) load() error {
	wanted, err := d.form()
	if err != nil {
		return err
	}
	// The endorsement key is made from the seed of its hierarchy: the same each time.
	public, err := d.create(tpm2.TPMRHEndorsement, wanted, &d.endorsement)
	if err != nil {
		return fmt.Errorf("endorsement key: %w", err)
	}
	key, err := tpm2.Pub(*public)
	if err != nil {
		return fmt.Errorf("endorsement key: %w", err)
	}
	if d.Key, err = x509.MarshalPKIXPublicKey(key); err != nil {
		return fmt.Errorf("endorsement key: %w", err)
	}
	if _, err := d.create(tpm2.TPMRHNull, ephemeral(), &d.bound); err != nil {
		return fmt.Errorf("object for challenges: %w", err)
	}
	d.Name = d.bound.name.Buffer
	return nil
}

// form is the template of the endorsement key: elliptic curves where the TPM has
// them, since RSA takes some TPMs ten seconds. It depends on the TPM alone, never on
// what failed: another key is another machine.
func (d *Device) form() (tpm2.TPMTPublic, error) {
	r, err := tpm2.GetCapability{Capability: tpm2.TPMCapECCCurves, PropertyCount: 64}.Execute(d.tpm)
	if err != nil {
		return tpm2.TPMTPublic{}, fmt.Errorf("ask for its curves: %w", err)
	}
	curves, err := r.CapabilityData.Data.ECCCurves()
	if err != nil {
		return tpm2.TPMTPublic{}, fmt.Errorf("ask for its curves: %w", err)
	}
	if slices.Contains(curves.ECCCurves, tpm2.TPMECCNistP256) {
		return tpm2.ECCEKTemplate, nil
	}
	return tpm2.RSAEKTemplate, nil
}

// ephemeral is the object that a challenge is bound to: an HMAC key that is gone
// with the power, made in no time, of no other use.
func ephemeral() tpm2.TPMTPublic {
	return tpm2.TPMTPublic{Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, NoDA: true, SignEncrypt: true},
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgKeyedHash, &tpm2.TPMSKeyedHashParms{Scheme: tpm2.TPMTKeyedHashScheme{Scheme: tpm2.TPMAlgHMAC,
			Details: tpm2.NewTPMUSchemeKeyedHash(tpm2.TPMAlgHMAC, &tpm2.TPMSSchemeHMAC{HashAlg: tpm2.TPMAlgSHA256})}}),
	}
}

func (d *Device) create(in tpm2.TPMHandle, form tpm2.TPMTPublic, to *loaded) (*tpm2.TPMTPublic, error) {
	r, err := tpm2.CreatePrimary{PrimaryHandle: in, InPublic: tpm2.New2B(form)}.Execute(d.tpm)
	if err != nil {
		return nil, err
	}
	*to = loaded{r.ObjectHandle, r.Name}
	return r.OutPublic.Contents()
}

// Prove answers a challenge for the public key that this machine claims with.
func (d *Device) Prove(c Challenge, client *ecdsa.PublicKey) ([]byte, error) {
	opened, err := tpm2.ActivateCredential{
		ActivateHandle: tpm2.NamedHandle{Handle: d.bound.handle, Name: d.bound.name},
		KeyHandle:      tpm2.AuthHandle{Handle: d.endorsement.handle, Name: d.endorsement.name, Auth: tpm2.Policy(tpm2.TPMAlgSHA256, 16, byEndorsement)},
		CredentialBlob: tpm2.TPM2BIDObject{Buffer: c.Credential},
		Secret:         tpm2.TPM2BEncryptedSecret{Buffer: c.Secret},
	}.Execute(d.tpm)
	if err != nil {
		return nil, fmt.Errorf("TPM: open the challenge: %w", err)
	}
	return Proof(opened.CertInfo.Buffer, client)
}

// byEndorsement is the policy of endorsement keys: whoever may use their hierarchy
// may use them. Its password is empty unless somebody set one.
func byEndorsement(t transport.TPM, session tpm2.TPMISHPolicy, nonce tpm2.TPM2BNonce) error {
	_, err := tpm2.PolicySecret{AuthHandle: tpm2.TPMRHEndorsement, PolicySession: session, NonceTPM: nonce}.Execute(t)
	return err
}

// Close takes the keys out of the TPM and closes it.
func (d *Device) Close() error {
	var errs []error
	for _, o := range []loaded{d.bound, d.endorsement} {
		if o.handle != 0 {
			_, err := tpm2.FlushContext{FlushHandle: o.handle}.Execute(d.tpm)
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, d.tpm.Close())...)
}
