package technician

import (
	"context"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
)

// terminal is a console at which somebody signed in.
func (r *rig) terminal(name string) *Terminal {
	r.t.Helper()
	term := &Terminal{Desk: r.desk, Status: func(context.Context) []string { return []string{"the block"} }}
	if name == "" {
		return term
	}
	term.Line(r.t.Context(), "sign in "+name)
	if _, hidden := term.Prompt(); !hidden {
		r.t.Fatal("the PIN is shown")
	}
	if out := term.Line(r.t.Context(), pin); len(out) != 1 || !strings.HasPrefix(out[0], "signed in: ") {
		r.t.Fatalf("sign in: %q", out)
	}
	return term
}

// TestWords: what is typed, and what comes back.
func TestWords(t *testing.T) {
	r := newRig(t)
	r.wait(theCode)
	r.stop()
	term := r.terminal("")
	say := func(line string) string { return strings.Join(term.Line(t.Context(), line), "\n") }
	for _, c := range []struct{ line, want string }{
		{"", ""}, {"   ", ""}, {"HELP", "sign in NAME"}, {"status", "the block"}, {"format c:", "not done: console: no such command"},
		{"pending", "who are you?"}, {"approve 482-913", "who are you?"}, {"resume", "who are you?"}, {"clear ward7-pc1", "who are you?"}, {"audit", "who are you?"},
		{"trace " + pcMAC, "who are you?"}, {"explain " + pcMAC, "who are you?"}, {"sign", "no such command"}, {"sign in", "give your name"}, {"sign out", "nobody is signed in"}, {"status now", "takes no argument"},
		{"sign in bob", ""}, {"000000", "the name or the PIN is wrong"}, {pin, "no such command"},
		{"Sign In bob", ""}, {pin, "signed in: Bob, who may approve, clear, resume, media"},
		{"pending", "482-913  bw-525400770099: Wipe, which ERASES it, " + newMAC + " (it is not known)"},
		{"approve 482 914", "no machine that waits shows this code"}, {"approve 482913", "approved: 482-913  bw-525400770099"},
		{"pending", "approve by Bob"}, {"deny 482-913", "before"}, {"resume", "the box goes on"}, {"resume", "has not stopped it"},
		{"clear ward7-pc1 nope", "nope: this box knows no computer"}, {"clear " + pcMAC, "cleared: ward7-pc1"}, {"clear", "0 are named"},
		{"trace", "give the MAC"}, {"trace " + newMAC, "waits"}, {"trace 52:54:00:77:00:77", "what to do: check that network boot is on"},
		{"explain", "give a MAC"}, {"explain pc9", "give the MAC"}, {"explain " + pcMAC, "bios-ipxe        x/boot.ipxe"}, {"explain " + pcMAC + " uefi-ia32", "packet: no boot image"},
		{"explain " + pcMAC + " toaster", "toaster is no firmware"}, {"audit", "Bob clear-pxe C1"}, {"sign out", "signed out"}, {"audit", "who are you?"},
	} {
		if got := say(c.line); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
	if out := strings.ToLower(say("help")); strings.Contains(out, "media") {
		t.Errorf("help speaks of what is not there: %s", out)
	}
	for _, l := range append(help(), about(api.PendingApproval{})) {
		if len(l) >= 80 {
			t.Errorf("%d columns: %s", len(l), l)
		}
	}
}

// TestTerminalEnds: idleness, a new policy and Ctrl-C.
func TestTerminalEnds(t *testing.T) {
	r := newRig(t)
	term := r.terminal("bob")
	if prompt, _ := term.Prompt(); prompt != "Bob> " || len(term.Idle()) != 0 {
		t.Errorf("prompt %q", prompt)
	}
	r.policy.People[0].Disabled = true
	if out := term.Idle(); len(out) != 1 || term.token != "" {
		t.Errorf("a new policy: %q", out)
	}
	if prompt, _ := term.Prompt(); prompt != "> " || len(term.Idle()) != 0 {
		t.Errorf("prompt %q", prompt)
	}
	term.Line(t.Context(), "sign in bob")
	term.Interrupt()
	if out := strings.Join(term.Line(t.Context(), pin), ""); !strings.Contains(out, "no such command") {
		t.Errorf("the PIN after Ctrl-C: %s", out)
	}
}
