package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/bootward/bootward/osd/sequence/simulate"
	"github.com/bootward/bootward/osd/status"
)

// recordsFacts is what the inventory of records-1 does not say.
const recordsFacts = `files: {/init: ""}
software: {nothing: "0"}
applied:
  operatingSystem: {id: debian, version: "12"}
  files: {/etc/debian_version: ""}
  software: {xfsprogs: "6"}
`

// simulated holds that simulating the sequence with the inventory that the machine took says of each step what
// happened to it.
func (p *play) simulated(ctx context.Context, d *Deployment) error {
	i := slices.IndexFunc(d.Messages, func(m status.Message) bool {
		return m.ID == status.ActionCompleted && m.Action == "Take the inventory"
	})
	if i < 0 {
		return fmt.Errorf("scenario %s: there is no inventory of %s", p.scenario.Name, d.Target.Name)
	}
	inventory, err := p.keepFile("inventory.json", d.Messages[i].Output)
	if err != nil {
		return err
	}
	facts, err := p.keepFile("facts.yaml", recordsFacts)
	if err != nil {
		return err
	}
	out, err := p.CLI(ctx, "--json", "sequence", "simulate", "Records PC", "--inventory", inventory, "--facts", facts, "--variable", "Ward=9", "--fail", "Not so bad")
	if err != nil {
		return err
	}
	var report simulate.Report
	if err := json.Unmarshal(out, &report); err != nil {
		return fmt.Errorf("bootward sequence simulate: answer: %w", err)
	}
	if other := deviations(report.Lines, d.Messages); len(other) > 0 {
		return fmt.Errorf("scenario %s: simulating says something else than what happened on %s: %q", p.scenario.Name, d.Target.Name, other)
	}
	does := map[simulate.Does]int{}
	for _, l := range report.Lines {
		does[l.Does]++
	}
	p.holds("simulating with the inventory of %s says of all %d groups and steps what happened: %d ran, %d were skipped for the same reasons, %d disabled, %d failed",
		d.Target.Name, len(report.Lines), does[simulate.Enters]+does[simulate.Runs], does[simulate.Skips], does[simulate.Off], does[simulate.Fails])
	return nil
}

// deviations lists where a simulation says something else than the messages of a run.
func deviations(lines []simulate.Line, messages []status.Message) []string {
	type fate struct {
		step int
		id   status.MessageID
		why  string // of what was skipped
	}
	ids := map[simulate.Does]status.MessageID{simulate.Enters: status.GroupStarted, simulate.Runs: status.ActionCompleted, simulate.Skips: status.ActionSkipped,
		simulate.Off: status.ActionDisabled, simulate.Fails: status.ActionFailed}
	var want, got []fate
	for _, l := range lines {
		f := fate{step: l.Number, id: ids[l.Does]}
		if l.Does == simulate.Skips {
			f.why = l.Why
		}
		want = append(want, f)
	}
	for _, m := range messages {
		f := fate{step: m.Step, id: m.ID}
		switch m.ID {
		case status.ActionSkipped:
			f.why = m.Output
		case status.GroupStarted, status.ActionCompleted, status.ActionDisabled, status.ActionFailed:
		default:
			continue
		}
		got = append(got, f)
	}
	var out []string
	for _, f := range want {
		if !slices.Contains(got, f) {
			out = append(out, fmt.Sprintf("simulated only: step %d, message %d %s", f.step, f.id, f.why))
		}
	}
	for _, f := range got {
		if !slices.Contains(want, f) {
			out = append(out, fmt.Sprintf("happened only: step %d, message %d %s", f.step, f.id, f.why))
		}
	}
	return out
}
