package technician

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
)

// maxJobs is how many of a machine's jobs a trace shows step by step, the newest.
const maxJobs = 5

// macOf reads the MAC that somebody gave.
func macOf(client string) (string, *failure) {
	mac, err := osd.NormalizeMAC(client)
	if err != nil {
		return "", fail(api.CodeInvalid, "client", "give the MAC of a machine, such as 52:54:00:77:00:11")
	}
	return mac, nil
}

func (d *Desk) timeline(ctx context.Context, client string) ([]status.FlightEvent, *failure) {
	mac, f := macOf(client)
	if f != nil {
		return nil, f
	}
	all, err := d.Store.FlightOf(ctx, mac, maxTimeline)
	if err != nil {
		return nil, d.internal("read the timeline", err)
	}
	return orEmpty(all), nil
}

// trace is the timeline with the steps of its jobs and a diagnosis; of a machine that the box knows nothing of
// too, since that is one.
func (d *Desk) trace(ctx context.Context, client string) (trace.Trace, *failure) {
	events, f := d.timeline(ctx, client)
	if f != nil {
		return trace.Trace{}, f
	}
	jobs := trace.Jobs(events)
	var steps []status.Message
	for _, job := range jobs[max(0, len(jobs)-maxJobs):] {
		some, err := d.Store.Messages(ctx, job)
		if err != nil {
			return trace.Trace{}, d.internal("read the steps of a job", err)
		}
		steps = append(steps, some...)
	}
	mac, _ := macOf(client) // timeline has read it
	t := trace.Of(mac, events, steps, d.Now())
	t.Entries = orEmpty(t.Entries)
	return t, nil
}

func (d *Desk) explain(ctx context.Context, client, firmware string) (api.BootExplanation, *failure) {
	mac, f := macOf(client)
	if f != nil {
		return api.BootExplanation{}, f
	}
	if d.Explain == nil {
		return api.BootExplanation{}, fail(api.CodeUnavailable, "box", "it answers no PXE requests")
	}
	x, err := d.Explain(ctx, mac, firmware)
	var e *api.Error
	switch {
	case errors.As(err, &e):
		return x, &failure{Error: e}
	case err != nil:
		return x, d.internal("explain a boot", err)
	}
	return x, nil
}

// traceShown is how many entries fit on a screen beside the diagnosis.
const traceShown = 12

// trace shows the newest entries of a machine, and the diagnosis.
func (t *Terminal) trace(ctx context.Context, _ caller, args []string) ([]string, *failure) {
	x, f := t.Desk.trace(ctx, strings.Join(args, ""))
	if f != nil {
		return nil, f
	}
	var lines []string
	if left := len(x.Entries) - traceShown; left > 0 {
		lines = append(lines, fmt.Sprintf("(%d entries before)", left))
		x.Entries = x.Entries[left:]
	}
	for _, e := range x.Entries {
		lines = append(lines, fmt.Sprintf("%s +%.1f s %s", e.Time.UTC().Format("15:04:05"), e.After.Seconds(), e.Text))
	}
	return append(lines, x.Diagnosis.Lines()...), nil
}

// explain shows each answer; for one kind of firmware with its options.
func (t *Terminal) explain(ctx context.Context, _ caller, args []string) ([]string, *failure) {
	if len(args) == 0 || len(args) > 2 {
		return nil, fail(api.CodeInvalid, "explain", "give a MAC, and a kind of firmware if you like: explain MAC [FIRMWARE]")
	}
	x, f := t.Desk.explain(ctx, args[0], strings.Join(args[1:], ""))
	if f != nil {
		return nil, f
	}
	if len(x.Answers) == 1 {
		return x.Answers[0].Lines(), nil
	}
	var lines []string
	for _, a := range x.Answers {
		lines = append(lines, fmt.Sprintf("%-16s %s", a.Firmware, a.Brief()))
	}
	return lines, nil
}
