package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/foresight"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/keys"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// choose takes the mandatory offer, or asks the person at the machine. chosen is
// nil when there is nothing to do or nobody came; person says that a person
// chose, and seen are the disks that he allowed to be erased.
func (s *session) choose(ctx context.Context, o api.Offers) (chosen *api.Offer, seen []disk.Disk, person bool) {
	if m := mandatory(o); m != nil {
		return m, nil, false
	}
	if len(o.Offers) == 0 && !o.Password {
		s.none(o)
		return nil, nil, false
	}
	what, purpose := fmt.Sprintf("%d task sequences are available for this machine", len(o.Offers)), "to choose"
	if o.Password {
		what, purpose = "what can be chosen here needs the PXE password", "to type it"
	}
	first, key := s.attended(ctx, o, what, purpose)
	if first == 0 {
		return nil, nil, false
	}
	return s.wizard(ctx, o, first, key)
}

// none says that nothing is offered, and why.
func (s *session) none(o api.Offers) {
	s.console.Line("there is nothing to deploy on this machine")
	for _, why := range o.Why {
		s.console.Text("  %s", why)
	}
}

// glance is how long a question stays that is shown without asking whether anybody is
// there, until the first key: longer than the usual wait for F12, since it must be read.
const glance = time.Minute

// attended says whether a person may be there, and how long the first key of his answers
// may take: idle if he pressed one already, 0 if nobody did in time. key is the one that
// he pressed, if he was asked.
func (s *session) attended(ctx context.Context, o api.Offers, what, purpose string) (first time.Duration, key keys.Key) {
	s.console.Line("%s", what)
	wait, ask := prompt(s.conf.CommandLine, o)
	switch {
	case prompted(s.conf.CommandLine):
		return idle, keys.Other
	case !ask:
		s.console.Line("(type an answer within %s; otherwise the machine boots its disk)", glance)
		return glance, keys.Other
	}
	s.console.Forget()
	s.console.Line("Press F12 for network service boot")
	s.console.Line("(or press any key within %s %s; otherwise the machine boots its disk)", wait, purpose)
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	key, ok := s.console.Key(limited)
	if !ok {
		s.console.Line("nobody pressed a key")
		return 0, key
	}
	return idle, key
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
	d, made, err := foresight.Disk(seq, env, s.facts(), seen)
	if err != nil {
		return d, err
	}
	s.console.Text("\nIt makes of it: %s", step.Layout(made))
	if len(seen) == 1 {
		return d, nil
	}
	s.console.Text("\nThe task sequence ERASES ALL DATA on this disk:\n  %s", d)
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if answer, ok := s.console.Ask(limited, "Type YES to go on: "); !ok || answer != "YES" {
		return disk.Disk{}, errors.New("the person at the machine did not confirm the disk; nothing was changed")
	}
	return d, nil
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
