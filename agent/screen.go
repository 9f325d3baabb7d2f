package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/foresight"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// choose takes the mandatory offer, or asks the person at the machine. chosen is
// nil when there is nothing to do or nobody came; person says that a person
// chose, and seen are the disks that he allowed to be erased.
func (s *session) choose(ctx context.Context, o api.Offers) (chosen *api.Offer, seen []disk.Disk, person bool) {
	if m := mandatory(o); m != nil {
		return m, nil, false
	}
	first := time.Duration(0)
	if o.Password {
		if o, first = s.unlock(ctx, o); first == 0 {
			return nil, nil, false
		}
		if m := mandatory(o); m != nil { // its time came meanwhile
			return m, nil, false
		}
	}
	if len(o.Offers) == 0 {
		s.console.Line("there is nothing to deploy on this machine")
		for _, why := range o.Why {
			s.console.Text("  %s", why)
		}
		return nil, nil, false
	}
	if first == 0 {
		first = s.attended(ctx, o, fmt.Sprintf("%d task sequences are available for this machine", len(o.Offers)), "to choose")
	}
	if first == 0 {
		return nil, nil, false
	}
	return s.menu(ctx, o, first)
}

// menu asks for one of the offers until the person has decided; first is for his first
// key.
func (s *session) menu(ctx context.Context, o api.Offers, first time.Duration) (chosen *api.Offer, seen []disk.Disk, person bool) {
	limited, cancel := s.console.Answering(ctx, first, patience)
	defer cancel()
	for {
		offer := s.pick(limited, o)
		if offer == nil {
			return nil, nil, false
		}
		if !offer.Destructive {
			return offer, nil, true
		}
		if disks, ok := s.warn(limited, *offer); ok {
			return offer, disks, true
		}
		if limited.Err() != nil {
			return nil, nil, false
		}
	}
}

// glance is how long a question stays that is shown without asking whether anybody is
// there, until the first key: longer than the usual wait for F12, since it must be read.
const glance = time.Minute

// attended says whether a person may be there, and how long the first key of his answers
// may take: patience if he pressed one already, 0 if nobody did in time.
func (s *session) attended(ctx context.Context, o api.Offers, what, purpose string) (first time.Duration) {
	s.console.Line("%s", what)
	wait, ask := prompt(s.conf.CommandLine, o)
	switch {
	case prompted(s.conf.CommandLine):
		return patience
	case !ask:
		s.console.Line("(type an answer within %s; otherwise the machine boots its disk)", glance)
		return glance
	}
	s.console.Forget()
	s.console.Line("Press F12 for network service boot")
	s.console.Line("(or press any key within %s %s; otherwise the machine boots its disk)", wait, purpose)
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	_, ok := s.console.Key(limited)
	if !ok {
		s.console.Line("nobody pressed a key")
		return 0
	}
	return patience
}

// prompted says whether F12 was pressed before the boot image was loaded.
func prompted(commandLine string) bool {
	return slices.Contains(strings.Fields(commandLine), "bootward.prompted")
}

// prompt is how long a person has to press a key. ask is false where nobody has to:
// F12 was pressed before, or policy asks nobody. bootward.wait on the kernel command
// line overrides policy.
func prompt(commandLine string, o api.Offers) (wait time.Duration, ask bool) {
	switch own := setting(commandLine, "bootward.wait"); {
	case prompted(commandLine):
		return 0, false
	case own != "" || o.Prompt == nil:
		return seconds(own, time.Minute), true
	}
	wait = time.Duration(*o.Prompt) * time.Second
	return wait, wait > 0
}

// mandatory is the first offer that starts by itself, or nil.
func mandatory(o api.Offers) *api.Offer {
	for i := range o.Offers {
		if o.Offers[i].Mandatory {
			return &o.Offers[i]
		}
	}
	return nil
}

// pick lists the offers and reads a number; nil is none of them.
func (s *session) pick(ctx context.Context, o api.Offers) *api.Offer {
	s.console.Text("\n")
	for i, offer := range o.Offers {
		erases := ""
		if offer.Destructive {
			erases = "  (ERASES A DISK)"
		}
		if offer.Approval {
			erases += "  (needs approval)"
		}
		s.console.Text("  %2d  %s: %s%s", i+1, offer.Name, offer.Sequence, erases)
		if offer.Comment != "" {
			s.console.Text("      %s", offer.Comment)
		}
	}
	for {
		answer, ok := s.console.Ask(ctx, "Number, or nothing to boot the disk: ")
		answer = strings.TrimSpace(answer)
		if !ok || answer == "" {
			return nil
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(o.Offers) {
			return &o.Offers[n-1]
		}
		s.console.Text("Give a number from 1 to %d.", len(o.Offers))
	}
}

// warn names the disks that may be erased and asks for YES.
func (s *session) warn(ctx context.Context, o api.Offer) ([]disk.Disk, bool) {
	disks, err := candidates()
	if err != nil {
		s.console.Text("The disks of this machine cannot be listed: %s", err)
		return nil, false
	}
	if len(disks) == 0 {
		s.console.Text("This machine has no disk for an operating system: check the cabling and the firmware's storage mode.")
		return nil, false
	}
	s.console.Text("\n%s (%s)", o.Name, o.Sequence)
	s.console.Text("ERASES ALL DATA on %s:", map[bool]string{true: "this disk", false: "one of these disks"}[len(disks) == 1])
	for _, d := range disks {
		s.console.Text("  %s", d)
	}
	answer, ok := s.console.Ask(ctx, "Type YES to go on: ")
	return disks, ok && answer == "YES"
}

func candidates() ([]disk.Disk, error) {
	m, err := machine.NewDisks()
	if err != nil {
		return nil, err
	}
	all, err := m.Scan()
	var out []disk.Disk
	for _, d := range all {
		if d.Excluded() == "" {
			out = append(out, d)
		}
	}
	return out, err
}

// consent finds the disk that the sequence will erase among those that the
// person saw; if he saw several, he is asked for that one.
func (s *session) consent(ctx context.Context, seq *sequence.Sequence, env *sequence.Environment, seen []disk.Disk) (disk.Disk, error) {
	d, err := foresight.Disk(seq, env, s.facts(), seen)
	if err != nil || len(seen) == 1 {
		return d, err
	}
	s.console.Text("\nThe task sequence ERASES ALL DATA on this disk:\n  %s", d)
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if answer, ok := s.console.Ask(limited, "Type YES to go on: "); !ok || answer != "YES" {
		return disk.Disk{}, errors.New("the person at the machine did not confirm the disk; nothing was changed")
	}
	return d, nil
}

// errorDialog is how long a failure stays on the screen
// (SMSTSErrorDialogTimeout).
const errorDialog = 15 * time.Minute

// failure shows what failed and waits for a key or the end of the wait.
func (s *session) failure(ctx context.Context, end engine.Ending) {
	wait := seconds(s.variable("SMSTSErrorDialogTimeout"), errorDialog)
	s.console.Text("\n%s", strings.Repeat("=", 60))
	s.console.Line("THE TASK SEQUENCE FAILED")
	if end.Step > 0 {
		s.console.Text("Step:      %d %s", end.Step, end.Action)
	}
	s.console.Text("Exit code: %d (0x%08X)", end.ExitCode, uint32(end.ExitCode))
	s.console.Text("Reason:    %s", status.Tail(end.Reason, 1500))
	s.console.Text("Log:       %s/smsts.log, and SMSTSLog on the target's volume if there is one", s.folder.Dir())
	s.console.Text("%s", strings.Repeat("=", 60))
	sent := make(chan error, 1)
	go func() { sent <- s.flush(ctx, wait+time.Minute) }()
	s.console.Line("press any key to restart; the machine restarts by itself in %s", wait)
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	s.console.Forget()
	s.console.Key(limited)
	select {
	case err := <-sent:
		if err != nil {
			s.console.Line("the box was not told: %s", err)
		}
	case <-time.After(10 * time.Second):
		s.console.Line("the box was not told everything: it cannot be reached")
	case <-ctx.Done():
	}
}

// variable is a variable of the sequence as it was saved last, or of the job.
func (s *session) variable(name string) string {
	var state engine.State
	if err := s.folder.ReadJSON(job.FileState, &state); err != nil {
		state.Variables = s.job.Variables // the sequence did not begin
	}
	for n, v := range state.Variables {
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}
