package sitelink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/trust"
)

// ErrNoToken is why a box without identity and without token stands still.
var ErrNoToken = errors.New("the box is not enrolled and has no enrolment token: make one with `bootward box token` and put it into the firmware, or into the token file")

// errLostMemory is why a box goes on with its policy but not with its site.
var errLostMemory = errors.New("the box's memory was lost: the site does not know it any more and old grants count as used; enrol it again with a new token (`bootward box token`)")

// Enrol returns the service that gets the box its identity. It ends when the
// box has one. A token that the site refuses for good ends it with a fatal
// error.
func (l *Link) Enrol(log *slog.Logger) supervisor.Service {
	return supervisor.Func(func(ctx context.Context) error {
		if id := l.Identity(); id != nil && id.StateID == l.o.StateID {
			return l.forgetToken()
		} else if id != nil {
			log.Warn("the box's memory is not the one that was enrolled: it enrols again")
		}
		token, err := l.token()
		if errors.Is(err, ErrNoToken) && l.Identity() != nil {
			err = errLostMemory
		}
		if err != nil {
			l.note(err)
			return supervisor.Fatal(err)
		}
		var refused error
		done := l.exchange(ctx, log, "enrolment", func(ctx context.Context) error {
			err := l.enrol(ctx, token)
			if final(err) {
				refused = err
				return nil
			}
			return err
		})
		if !done {
			return nil
		}
		if refused != nil {
			l.note(refused)
			return supervisor.Fatal(fmt.Errorf("enrolment: %w", refused))
		}
		id := l.Identity()
		log.Info("enrolled", "box", id.Box, "name", id.BoxName, "site", id.Site)
		return l.forgetToken()
	})
}

// final says whether trying again cannot help: the token is wrong, used or
// ended, or the anchor is not the token's.
func final(err error) bool {
	var e *api.Error
	if errors.As(err, &e) {
		return !e.Retryable && e.Status >= 400 && e.Status < 500
	}
	return errors.Is(err, errWrongAnchor)
}

var errWrongAnchor = errors.New("the site's trust anchor is not the one that the enrolment token names: this is another site, or somebody stands in between")

func (l *Link) token() (string, error) {
	if l.o.TokenFile == "" {
		return "", ErrNoToken
	}
	text, err := os.ReadFile(l.o.TokenFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNoToken
	}
	if err != nil {
		return "", fmt.Errorf("enrolment token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// enrol does the exchange that the package comment describes, and keeps what
// came of it.
func (l *Link) enrol(ctx context.Context, token string) error {
	anchor, err := l.fetchAnchor(ctx, token)
	if err != nil {
		return err
	}
	k, err := loadKeys(l.path(keysDir))
	if err != nil {
		return err
	}
	ask := api.Enrol{Token: token, StateID: l.o.StateID, Board: l.o.Board, Version: l.o.Version, SealingKey: k.sealing.Public()}
	if ask.ClientCSR, err = trust.NewCSR(k.client); err != nil {
		return err
	}
	if ask.IntermediateCSR, err = trust.NewCSR(k.intermediate); err != nil {
		return err
	}
	c := newClient(trust.ClientTLS(anchor, trust.IsSite(anchor.Site), nil, l.Now))
	defer c.CloseIdleConnections()
	e := saved{StateID: l.o.StateID}
	if err := call(ctx, c, l.o.Site.String(), api.RouteBoxEnrol, "", ask, &e.Enrolled); err != nil {
		return err
	}
	id, err := newIdentity(e, k)
	if err != nil {
		return err
	}
	if id.Anchor.Fingerprint() != anchor.Fingerprint() {
		return errWrongAnchor
	}
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.Write(l.path(keysDir, identityFile), text, 0o600); err != nil {
		return err
	}
	l.adopt(id)
	return nil
}

// fetchAnchor asks for the anchor over a connection that proves nothing: the
// fingerprint in the token does.
func (l *Link) fetchAnchor(ctx context.Context, token string) (*trust.Anchor, error) {
	fingerprint, err := trust.ParseToken(token)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "enrolment token", "%v", err)
	}
	c := newClient(&tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true}) // nothing is sent, what comes is checked
	defer c.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	raw, _, _, err := request(ctx, c, l.o.Site.String(), api.RouteAnchor, "", nil)
	if err != nil {
		return nil, err
	}
	anchor, err := trust.ParseAnchor(raw)
	if err != nil {
		return nil, err
	}
	if anchor.Fingerprint() != fingerprint {
		return nil, errWrongAnchor
	}
	return anchor, nil
}

// forgetToken deletes the token from memory and from the boot medium.
func (l *Link) forgetToken() error {
	if l.o.TokenFile == "" {
		return nil
	}
	_, err := os.Stat(l.o.TokenFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if l.o.ConsumeSeed != nil {
		if err := l.o.ConsumeSeed("enrol.token"); err != nil {
			return fmt.Errorf("delete the used enrolment token from the boot medium: %w", err)
		}
	}
	if err := os.Remove(l.o.TokenFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete the used enrolment token: %w", err)
	}
	return nil
}
