package site

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

// Limits of values.
const (
	maxSecret   = 4 << 10 // bytes: all of a step's travel in one sealed answer
	minPassword = 8       // characters of a PXE password
	maxPassword = 128
	minPIN      = 6 // digits
	maxPIN      = 12
	digits      = "0123456789"
)

// SetSecret gives a Secret a new value.
func (s *Site) SetSecret(ctx context.Context, who, name string, in api.SecretValue) error {
	what := fmt.Sprintf("%s %q", osd.KindSecret, name)
	switch {
	case in.Value == "":
		return api.Errorf(api.CodeInvalid, what, "the value is empty").WithRemedy("give a value, or delete the secret: bootward secret delete %q", name)
	case len(in.Value) > maxSecret:
		return api.Errorf(api.CodeInvalid, what, "the value is longer than %d bytes", maxSecret).WithRemedy("give a shorter one; files belong into a package")
	case strings.ContainsRune(in.Value, 0), strings.ContainsRune(in.Value, utf8.RuneError), !utf8.ValidString(in.Value):
		return api.Errorf(api.CodeInvalid, what, "the value is no text: commands get it as a variable of their environment").WithRemedy("give text in UTF-8 without NUL, such as base64 of what it is")
	}
	return s.setValue(ctx, who, osd.KindSecret, name, policy.SealedSecret, in.Value)
}

// SetPIN gives a person a new PIN. Of it a verifier is kept.
func (s *Site) SetPIN(ctx context.Context, who, name string, in api.NewPIN) error {
	if why := weakPIN(in.PIN); why != "" {
		return api.Errorf(api.CodeInvalid, fmt.Sprintf("%s %q", osd.KindPerson, name), "the PIN %s", why).
			WithRemedy("give %d to %d digits that are neither all the same nor a run such as 123456", minPIN, maxPIN)
	}
	return s.setValue(ctx, who, osd.KindPerson, name, policy.SealedPIN, trust.NewVerifier(in.PIN))
}

// weakPIN says why a PIN is not taken, "" if it is.
func weakPIN(pin string) string {
	if len(pin) < minPIN || len(pin) > maxPIN {
		return fmt.Sprintf("has not %d to %d digits", minPIN, maxPIN)
	}
	if strings.Trim(pin, digits) != "" {
		return "holds something that is no digit"
	}
	step := (pin[1] - pin[0] + 10) % 10
	for i := 1; i < len(pin); i++ {
		if (pin[i]-pin[i-1]+10)%10 != step {
			return ""
		}
	}
	switch step {
	case 0:
		return "is one digit again and again"
	case 1, 9:
		return "is a run of digits"
	}
	return ""
}

// SetPXEPassword gives a box a new PXE password, or takes it away when it is
// empty. Of it a verifier is kept.
func (s *Site) SetPXEPassword(ctx context.Context, who, name string, in api.SecretValue) error {
	if in.Value == "" {
		return s.dropPXEPassword(ctx, who, name)
	}
	if n := utf8.RuneCountInString(in.Value); n < minPassword || n > maxPassword {
		return api.Errorf(api.CodeInvalid, fmt.Sprintf("%s %q", osd.KindBox, name), "the password has %d characters", n).
			WithRemedy("give %d to %d characters; to ask for none: bootward box password %q --remove", minPassword, maxPassword, name)
	}
	return s.setValue(ctx, who, osd.KindBox, name, policy.SealedPassword, trust.NewVerifier(in.Value))
}

func (s *Site) dropPXEPassword(ctx context.Context, who, name string) error {
	return s.write(ctx, func(x store.Tx) error {
		o, err := x.Object(osd.KindBox, name)
		if err != nil {
			return err
		}
		if err := x.DeleteSecret(policy.SealedPassword, o.ID); err != nil {
			return err
		}
		return s.audit(x, who, policy.SealedPassword, fmt.Sprintf("%s %q", osd.KindBox, o.Name), "taken away")
	})
}

// setValue seals a value of an object to the site's key and keeps it in place of
// the one before. Boxes hear of it.
func (s *Site) setValue(ctx context.Context, who string, kind osd.Kind, name, sealedKind, value string) error {
	return s.write(ctx, func(x store.Tx) error {
		o, err := x.Object(kind, name)
		if err != nil {
			return err
		}
		v := policy.Sealed{Kind: sealedKind, Object: o.ID, Revision: 1}
		kept, err := x.Secrets()
		if err != nil {
			return err
		}
		for _, k := range kept {
			if k.Kind == v.Kind && k.Object == v.Object {
				v.Revision = k.Revision + 1
			}
		}
		sealed, err := trust.Seal(s.keys.Sealing.Public(), v.Context(""), []byte(value))
		if err != nil {
			return fmt.Errorf("%s %q: %w", kind, o.Name, err)
		}
		if err := x.PutSecret(store.Secret{Kind: v.Kind, Object: v.Object, Revision: v.Revision, Sealed: sealed}); err != nil {
			return err
		}
		return s.audit(x, who, sealedKind, fmt.Sprintf("%s %q", kind, o.Name), fmt.Sprintf("new value, revision %d", v.Revision))
	})
}

// forgetValues deletes the values of an object that is deleted.
func forgetValues(x store.Tx, kind osd.Kind, id string) error {
	sealedKind, ok := map[osd.Kind]string{osd.KindSecret: policy.SealedSecret, osd.KindPerson: policy.SealedPIN, osd.KindBox: policy.SealedPassword}[kind]
	if !ok {
		return nil
	}
	return x.DeleteSecret(sealedKind, id)
}

func (s *Site) putSecretValue(w http.ResponseWriter, r *http.Request, c caller) error {
	return setting(w, r, c, s.SetSecret)
}

func (s *Site) putPIN(w http.ResponseWriter, r *http.Request, c caller) error {
	return setting(w, r, c, s.SetPIN)
}

func (s *Site) putPXEPassword(w http.ResponseWriter, r *http.Request, c caller) error {
	return setting(w, r, c, s.SetPXEPassword)
}

// setting reads a value, sets it for the object of the path, and answers nothing.
func setting[T any](w http.ResponseWriter, r *http.Request, c caller, set func(ctx context.Context, who, name string, in T) error) error {
	var in T
	if err := readJSON(r, &in); err != nil {
		return err
	}
	if err := set(r.Context(), c.person, r.PathValue("name"), in); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
