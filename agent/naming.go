package agent

import (
	"context"
	"errors"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

// typed is what the person at the machine said of it; empty for what nobody was
// asked, or where the answer was nothing.
type typed struct {
	name, replaces string
	asked          bool
}

// say puts it into a claim.
func (t typed) say(c api.Claim) api.Claim {
	c.Name, c.Replaces = t.name, t.replaces
	return c
}

// askName asks until the name is one that a computer may have. Whether it is free
// is for the box to say.
func (s *session) askName(ctx context.Context, suggested string) bool {
	question := "Computer name, or nothing to let the box choose one: "
	if suggested != "" {
		question = "Computer name [" + suggested + "]: "
	}
	for {
		answer, ok := s.console.Ask(ctx, question)
		if !ok {
			return false
		}
		if answer = strings.TrimSpace(answer); answer == "" {
			s.typed.name = suggested
			return true
		}
		err := osd.CheckComputerName(answer)
		if err == nil {
			s.typed.name = answer
			return true
		}
		s.console.Text("%s", err)
	}
}

func (s *session) askReplaces(ctx context.Context) bool {
	answer, ok := s.console.Ask(ctx, "Does this machine replace another? Name of that computer, or nothing: ")
	s.typed.replaces = strings.TrimSpace(answer)
	return ok
}

// askAgain asks once more for what the box did not take of it, and says whether
// the person answered.
func (s *session) askAgain(ctx context.Context, err error) bool {
	var e *api.Error
	if !errors.As(err, &e) || !s.typed.asked {
		return false
	}
	switch e.Object {
	case api.FieldName:
		s.console.Text("%s", e.Detail)
		return s.askName(ctx, "")
	case api.FieldReplaces:
		s.console.Text("%s", e.Detail)
		return s.askReplaces(ctx)
	}
	return false
}
