package agent

import (
	"context"
	"errors"
	"time"

	"github.com/bootward/bootward/api"
)

// passwordTries is how often a person may type the password; then the machine
// boots its disk. The box limits besides.
const passwordTries = 3

// unlock asks a person for the box's PXE password, and the box for its offers again.
// first is how long he may take then for his first key; 0: nobody came, or nobody knew
// the password.
func (s *session) unlock(ctx context.Context, o api.Offers) (offers api.Offers, first time.Duration) {
	if first = s.attended(ctx, o, "what can be chosen here needs the PXE password", "to type it"); first == 0 {
		return api.Offers{}, 0
	}
	ctx, cancel := s.console.Answering(ctx, first, patience)
	defer cancel()
	for range passwordTries {
		password, ok := s.console.AskSecret(ctx, "PXE password, or nothing to boot the disk: ")
		if !ok || password == "" {
			return api.Offers{}, 0
		}
		t, err := s.client.Password(ctx, identity(s.hardware), password)
		if err != nil {
			s.log.Warn("PXE password", "component", "TSPXE", "error", err)
			s.console.Text("%s", reason(err))
			continue
		}
		s.ticket = t.Ticket
		if offers, err = s.offers(ctx); err != nil {
			s.console.Line("no offers: %s", err)
			return api.Offers{}, 0
		}
		return offers, patience
	}
	s.console.Line("no password was right")
	return api.Offers{}, 0
}

// offers asks the box what there is to do.
func (s *session) offers(ctx context.Context) (offers api.Offers, err error) {
	err = s.persist(ctx, "the offers", func() error {
		offers, err = s.client.Offers(ctx, api.Ask{Identity: identity(s.hardware), Ticket: s.ticket})
		return err
	})
	return offers, err
}

// reason is what the box said, without the way that the answer took.
func reason(err error) string {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return err.Error()
}
