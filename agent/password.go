package agent

import (
	"context"
	"errors"

	"github.com/bootward/bootward/agent/wizard"
	"github.com/bootward/bootward/api"
)

// passwordTries is how often a person may type the password; then the machine
// boots its disk. The box limits besides.
const passwordTries = 3

// unlock asks the box for a ticket with the password that a person typed into the
// wizard, and for its offers again. It is false when nobody knew the password, or the
// box cannot be asked.
func (s *session) unlock(ctx context.Context, w *wizard.Wizard, wrong *int) (offers api.Offers, ok bool) {
	t, err := s.client.Password(ctx, identity(s.hardware), w.Typed())
	if err != nil {
		s.log.Warn("PXE password", "component", "TSPXE", "error", err)
		if *wrong++; *wrong >= passwordTries {
			s.console.Line("%s", reason(err))
			s.console.Line("no password was right")
			return offers, false
		}
		w.Refuse(reason(err))
		return offers, true
	}
	s.ticket = t.Ticket
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if offers, err = s.offers(limited); err != nil {
		s.console.Line("no offers: %s", err)
		return offers, false
	}
	w.Unlocked(offers)
	return offers, true
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
