package technician

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
)

// word is one line of the table of what the console takes: everything that is
// not in it is refused.
type word struct {
	name, arguments string
	right           string // anybody, anyRight, or osd.MayApprove and so on
	summary         string
	do              func(*Terminal, context.Context, caller, []string) ([]string, *failure)
}

// words is what may be typed. Help needs the table and stands apart from it.
var words = []word{
	{"status", "", anybody, "how the box is", func(t *Terminal, ctx context.Context, _ caller, _ []string) ([]string, *failure) {
		return t.Status(ctx), nil
	}},
	{"sign in", "NAME", anybody, "your PIN is asked for next", (*Terminal).signIn},
	{"sign out", "", anybody, "", (*Terminal).signOut},
	{"selftest", "[NAME]", anyRight, "test the segments, or that of interface NAME", (*Terminal).selftest},
	{"pending", "", anyRight, "machines that wait for approval", (*Terminal).pending},
	{"approve", "CODE", osd.MayApprove, "let the machine that shows CODE go on", decideWord(store.Approve)},
	{"deny", "CODE", osd.MayApprove, "send it away", decideWord(store.Deny)},
	{"resume", "", osd.MayResume, "go on after the wipe interlock stopped the box", (*Terminal).resume},
	{"retry", "NAME...", osd.MayClear, "let failed jobs go on at the step that failed", (*Terminal).retry},
	{"clear", "NAME...", osd.MayClear, "clear PXE marks of computers (name, ID or MAC)", (*Terminal).clear},
	{"trace", "MAC", anyRight, "a machine from its first packet, and why it stopped", (*Terminal).trace},
	{"explain", "MAC [FIRMWARE]", anyRight, "what a machine would be sent, and why", (*Terminal).explain},
	{"audit", "", anyRight, "what was done here of late", (*Terminal).audit},
}

const helpWord = "help"

// parse finds the word that a line begins with, and its arguments.
func parse(line string) (word, []string, bool) {
	fields := strings.Fields(line)
	for _, w := range words {
		name := strings.Fields(w.name)
		if len(fields) >= len(name) && strings.EqualFold(strings.Join(fields[:len(name)], " "), w.name) {
			return w, fields[len(name):], true
		}
	}
	return word{}, nil, false
}

func help() []string {
	lines := []string{fmt.Sprintf("  %-16s %s", helpWord, "this text")}
	for _, w := range words {
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  %-16s %s", w.name+" "+w.arguments, w.summary), " "))
	}
	return append(lines, "  What changes something needs a sign-in, which ends after 5 minutes without a", "  command. Ctrl-C clears the line.")
}

func (t *Terminal) signIn(_ context.Context, _ caller, args []string) ([]string, *failure) {
	if len(args) != 1 {
		return nil, fail(api.CodeInvalid, "sign in", "give your name: sign in NAME")
	}
	t.asked = args[0]
	return nil, nil
}

func (t *Terminal) signOut(context.Context, caller, []string) ([]string, *failure) {
	if t.token == "" {
		return []string{"nobody is signed in"}, nil
	}
	t.forget()
	return []string{"signed out"}, nil
}

func (t *Terminal) pending(ctx context.Context, _ caller, _ []string) ([]string, *failure) {
	all, f := t.Desk.pending(ctx)
	if f != nil {
		return nil, f
	}
	lines := []string{}
	for _, p := range all {
		lines = append(lines, about(p))
	}
	if len(lines) == 0 {
		lines = []string{"no machine waits for approval"}
	}
	return lines, nil
}

// about says what a person must know of a machine that waits.
func about(p api.PendingApproval) string {
	text := fmt.Sprintf("%s  %s: %s", p.Code, p.Computer, p.Sequence)
	if p.Destructive {
		text += ", which ERASES it"
	}
	if len(p.Identity.MACs) > 0 {
		text += ", " + p.Identity.MACs[0]
	}
	if p.Why != "" {
		text += " (" + p.Why + ")"
	}
	if about := p.AboutTPM(); about != "" {
		text += "; it shows " + about
	}
	if p.Decision != "" {
		text += "; " + p.Decision + " by " + p.Who
	}
	return text
}

func decideWord(decision string) func(*Terminal, context.Context, caller, []string) ([]string, *failure) {
	return func(t *Terminal, ctx context.Context, c caller, args []string) ([]string, *failure) {
		p, f := t.Desk.decide(ctx, c, strings.Join(args, " "), decision)
		if f != nil {
			return nil, f
		}
		done := map[string]string{store.Approve: "approved", store.Deny: "denied"}[decision]
		p.Decision = "" // said by the first word
		return []string{done + ": " + about(p)}, nil
	}
}

func (t *Terminal) resume(ctx context.Context, c caller, _ []string) ([]string, *failure) {
	if f := t.Desk.resume(ctx, c); f != nil {
		return nil, f
	}
	return []string{"the box goes on"}, nil
}

func (t *Terminal) clear(ctx context.Context, c caller, args []string) ([]string, *failure) {
	names, f := t.Desk.clear(ctx, c, args)
	if f != nil {
		return nil, f
	}
	return []string{"cleared: " + strings.Join(names, ", ")}, nil
}

func (t *Terminal) retry(ctx context.Context, c caller, args []string) ([]string, *failure) {
	names, f := t.Desk.retry(ctx, c, args)
	if f != nil {
		return nil, f
	}
	return []string{"goes on within seconds, if the failure still stands on the screen: " + strings.Join(names, ", ")}, nil
}

// auditShown is how many entries fit on a screen.
const auditShown = 15

func (t *Terminal) audit(ctx context.Context, _ caller, _ []string) ([]string, *failure) {
	all, f := t.Desk.audit(ctx, auditShown)
	if f != nil {
		return nil, f
	}
	var lines []string
	for _, a := range all {
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", a.Time.UTC().Format(time.DateTime), a.Who, a.What, a.Object, a.Text)), " "))
	}
	return lines, nil
}
