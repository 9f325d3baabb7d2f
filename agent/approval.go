package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
)

const (
	// approvalPatience is how long the machine waits for a person in all. The box
	// ends a code sooner; then another one is shown.
	approvalPatience = 30 * time.Minute
	// pollPause is how long the machine waits between two questions.
	pollPause = 3 * time.Second
)

// obtain claims until there is a job. Where a person has to approve it, the screen
// shows the code meanwhile; it is computed here, from the machine's own key and
// the key that the box proved.
func (s *session) obtain(ctx context.Context, o api.Offer, claim api.Claim) (api.Claimed, error) {
	ctx, cancel := context.WithTimeout(ctx, approvalPatience)
	defer cancel()
	device, closeTPM := s.openTPM(&claim)
	defer closeTPM()
	shown, challenged := "", 0
	for {
		claimed, err := s.ask(ctx, s.typed.say(claim))
		if s.askAgain(ctx, err) {
			continue
		}
		if err == nil && claimed.Challenge != nil {
			challenged++
			if err := s.prove(device, &claim, claimed.Challenge, challenged); err != nil {
				return api.Claimed{}, err
			}
			continue
		}
		challenged = 0
		if err != nil || claimed.Pending == nil {
			return claimed, err
		}
		code, err := s.cred.ApprovalCode(claimed.Pending)
		if err != nil {
			return api.Claimed{}, fmt.Errorf("approval code: %w", err)
		}
		if code != shown {
			s.log.Info("waits for approval", "component", "TSPXE", "code", code, "why", claimed.Pending.Why)
			s.showCode(code, o, claimed.Pending)
			shown = code
		}
		if err := s.idle(ctx); err != nil {
			return api.Claimed{}, err
		}
	}
}

// ask claims once, however often that must be sent.
func (s *session) ask(ctx context.Context, claim api.Claim) (claimed api.Claimed, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = s.persist(ctx, "the claim", func() error {
		claimed, err = s.client.Claim(ctx, claim)
		return err
	})
	return claimed, err
}

// idle waits until the box is to be asked again. A person may give up.
func (s *session) idle(ctx context.Context) error {
	pause := s.pollPause
	if pause == 0 {
		pause = pollPause
	}
	limited, cancel := context.WithTimeout(ctx, pause)
	defer cancel()
	for {
		k, ok := s.console.Key(limited)
		switch {
		case ok && k == 3: // Ctrl-C
			return errors.New("a person at the machine did not want to wait for approval")
		case ctx.Err() != nil:
			return fmt.Errorf("nobody decided within %s: %w", approvalPatience, ctx.Err())
		case !ok:
			return nil
		}
	}
}

// showCode says what is to be compared, and where.
func (s *session) showCode(code string, o api.Offer, p *api.Pending) {
	rule := strings.Repeat("=", 60)
	erases := ""
	if o.Destructive {
		erases = ", ERASES A DISK"
	}
	s.console.Text("\n%s", rule)
	s.console.Line("THIS MACHINE WAITS FOR APPROVAL")
	s.console.Text("\n%s\n", banner(code))
	s.console.Text("Code:    %s", code)
	s.console.Text("Runs:    %s (%s)%s", o.Name, o.Sequence, erases)
	s.console.Text("Why:     %s", p.Why)
	s.console.Text("Compare: it is this machine if the same code is shown")
	s.console.Text("         at the site:  bootward computer approve %s", code)
	s.console.Text("         at the box:   on its console")
	s.console.Text("Until:   about %d minutes from now; then another code is shown", max(int(p.ExpiresAt.Sub(s.clock.Now()).Round(time.Minute).Minutes()), 1))
	s.console.Text("Nothing is changed before that. Ctrl-C gives up: the machine boots its disk.")
	s.console.Text("%s", rule)
}
