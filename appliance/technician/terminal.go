package technician

import (
	"context"
	"strings"

	"github.com/bootward/bootward/api"
)

// Terminal is the box's console as a place to work: it takes lines that somebody
// typed and gives back those to print. Rules and limits are those of the routes.
// One goroutine uses it.
type Terminal struct {
	Desk *Desk
	// Status is the block that the console prints.
	Status func(context.Context) []string

	asked string // whose PIN is asked for
	token string // of who is signed in
	name  string
}

// maxPrompt keeps room for a line of 64 characters on 80 columns.
const maxPrompt = 12

// Prompt is what stands before the line, and whether what is typed is hidden.
func (t *Terminal) Prompt() (text string, hidden bool) {
	if t.asked != "" {
		return "PIN: ", true
	}
	return t.name[:min(len(t.name), maxPrompt)] + "> ", false
}

// Line carries out what was typed.
func (t *Terminal) Line(ctx context.Context, line string) []string {
	ctx, cancel := context.WithTimeout(ctx, shortTime)
	defer cancel()
	var out []string
	var f *failure
	switch {
	case t.asked != "":
		out, f = t.enter(ctx, line)
	case strings.TrimSpace(line) == "":
	case strings.EqualFold(strings.TrimSpace(line), helpWord):
		out = help()
	default:
		out, f = t.run(ctx, line)
	}
	if f != nil {
		out = []string{"not done: " + f.Error.Error()}
	}
	return out
}

// enter signs in with a PIN.
func (t *Terminal) enter(ctx context.Context, pin string) ([]string, *failure) {
	name := t.asked
	t.forget()
	if t.Desk.Self() == nil {
		return nil, fail(api.CodeUnavailable, "box", "the box is not enrolled yet")
	}
	s, f := t.Desk.signIn(ctx, api.SignIn{Name: name, PIN: pin}, origin{side: "console", from: "at the console", idle: consoleIdle})
	if f != nil {
		return nil, f
	}
	t.token, t.name = s.Token, s.Name
	return []string{"signed in: " + s.Name + ", who may " + strings.Join(s.May, ", ")}, nil
}

func (t *Terminal) run(ctx context.Context, line string) ([]string, *failure) {
	w, args, ok := parse(line)
	if !ok {
		return nil, fail(api.CodeNotFound, "console", "no such command").remedy("help lists them")
	}
	if w.arguments == "" && len(args) > 0 {
		return nil, fail(api.CodeInvalid, w.name, "takes no argument")
	}
	if w.right == anybody {
		return w.do(t, ctx, caller{}, args)
	}
	if t.token == "" {
		return nil, fail(api.CodeUnauthorized, w.name, "who are you?").remedy("sign in NAME")
	}
	c, f := t.Desk.bySession(t.token, true)
	if f != nil {
		t.forget()
		return nil, f
	}
	if f := c.may(w.right); f != nil {
		return nil, f
	}
	return w.do(t, ctx, c, args)
}

// forget ends the session, and the question for a PIN.
func (t *Terminal) forget() {
	if t.token != "" {
		t.Desk.sessions.close(t.token)
	}
	t.token, t.name, t.asked = "", "", ""
}

// Interrupt gives up the question for a PIN.
func (t *Terminal) Interrupt() { t.asked = "" }

// Idle signs out whoever let his session end, and says so.
func (t *Terminal) Idle() []string {
	if t.token == "" {
		return nil
	}
	if _, f := t.Desk.bySession(t.token, false); f == nil {
		return nil
	}
	t.forget()
	return []string{"signed out: nothing was typed for long, or a new policy says so"}
}
