package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/osd/status"
)

func remoteShow(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
	s, err := box.State(ctx)
	if err != nil {
		return err
	}
	return a.print(s, func(w io.Writer) error { return printLines(w, consoleLines(s)) })
}

// consoleLines writes what a box says of itself.
func consoleLines(s api.BoxConsole) []string {
	var lines []string
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, fmt.Sprintf("%-10s%s", label, text))
		}
	}
	add("box", fmt.Sprintf("%s, site %s (version %s)", s.Box, s.Site, s.Version))
	add("address", strings.Join(s.Addresses, ", "))
	add("policy", s.Policy)
	if s.Line != "" {
		add("site", "not reached: "+s.Line)
	}
	for _, text := range s.SelfTest.Brief() {
		add("segment", text)
	}
	if s.Waiting > 0 {
		add("outbox", fmt.Sprintf("%d events wait for the site", s.Waiting))
	}
	for _, j := range s.Jobs {
		text := fmt.Sprintf("%s: %s, since %s", j.Computer, j.Sequence, clock(j.Opened))
		if j.Progress != nil {
			text += fmt.Sprintf(", step %d %s", j.Progress.Step, j.Progress.Action)
		}
		add("job", text)
	}
	for _, p := range s.Pending {
		add("approval", fmt.Sprintf("%s %s: %s", p.Code, p.Computer, p.Sequence))
	}
	add("STOPPED", s.Stopped)
	for _, text := range s.Alarms {
		add("ALARM", text)
	}
	if s.Ready {
		add("state", "ready")
	} else {
		add("state", "not ready: "+s.NotReady)
	}
	return lines
}

func remotePending(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
	all, err := box.Pending(ctx)
	if err != nil {
		return err
	}
	return a.print(all, func(w io.Writer) error {
		t := newTable("CODE", "COMPUTER", "MAC", "ADVERTISEMENT", "SEQUENCE", "ERASES", "SINCE", "DECIDED", "WHY")
		for _, p := range all {
			t.row(p.Code, p.Computer, strings.Join(p.Identity.MACs, " "), p.Advertisement, p.Sequence, yes(p.Destructive), clock(p.AskedAt),
				strings.TrimSpace(p.Decision+" "+p.Who), p.Why)
		}
		return t.write(w)
	})
}

func remoteDecide(decision string) func(context.Context, *app, *boxclient.Client, []string) error {
	return func(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
		p, err := box.Decide(ctx, args[0], decision)
		if err != nil {
			return err
		}
		return a.print(p, func(w io.Writer) error {
			return printLines(w, []string{fmt.Sprintf("%s: %s, %s, %s", decision, p.Code, p.Computer, p.Sequence)})
		})
	}
}

func remoteResume(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
	if err := box.Resume(ctx); err != nil {
		return err
	}
	return a.print(struct{}{}, func(w io.Writer) error { return printLines(w, []string{"the box goes on"}) })
}

func remoteClear(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
	out, err := box.Clear(ctx, args)
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error {
		return printLines(w, []string{"cleared: " + strings.Join(out.Computers, ", ")})
	})
}

func remoteAudit(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
	all, err := box.Audit(ctx)
	if err != nil {
		return err
	}
	return a.print(all, func(w io.Writer) error {
		t := newTable("TIME", "WHO", "WHAT", "OBJECT", "TEXT")
		for _, e := range slices.Backward(all) { // the newest last, as at the site
			t.row(clock(e.Time), e.Who, e.What, e.Object, e.Text)
		}
		return t.write(w)
	})
}

func remoteTimeline(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
	events, err := box.Timeline(ctx, args[0])
	if err != nil {
		return err
	}
	entries := status.Timeline(events, nil)
	if len(entries) == 0 {
		return api.Errorf(api.CodeNotFound, args[0], "the box remembers nothing of this machine")
	}
	return a.print(entries, func(w io.Writer) error { return printTimeline(w, entries) })
}
