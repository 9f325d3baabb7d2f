package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
	"github.com/bootward/bootward/site/client"
)

// traceEvery is how often a trace that is watched is shown anew.
const traceEvery = 2 * time.Second

func newBoxTrace(a *app) *cobra.Command {
	c := &cobra.Command{Use: "trace MAC", Short: "A machine from its first packet to its last step, and why it stopped",
		Long: "What boxes recorded of a machine, in order of time, and a diagnosis: what was seen last, what was expected next,\n" +
			"and what to do. At the site it is what boxes have sent; with --box, which goes before the verb, it is what the\nbox itself knows, also while its line is cut.",
		Example: "  bootward box trace 52:54:00:77:00:11\n  bootward --box 192.0.2.17 --as bob box trace 52:54:00:77:00:11 --watch",
		Args:    exactly("MAC"), RunE: func(c *cobra.Command, args []string) error { return runBoxTrace(c.Context(), a, args[0]) }}
	c.Flags().BoolVar(&a.trace.watch, "watch", false, "show it again and again until it is interrupted")
	c.ValidArgsFunction = a.macs
	return c
}

// traceOptions are the flags of trace, which mean the same at a box.
type traceOptions struct{ watch bool }

func runBoxTrace(ctx context.Context, a *app, client string) error {
	mac, err := normalMAC(client)
	if err != nil {
		return err
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	return a.again(ctx, a.trace.watch, traceEvery, func() error {
		events, err := s.Flight(ctx, mac)
		if err != nil {
			return err
		}
		var messages []status.Message
		for _, job := range trace.Jobs(events) {
			some, err := s.AllMessages(ctx, "", "", job)
			if err != nil {
				return err
			}
			messages = append(messages, some...)
		}
		return printTrace(a, trace.Of(mac, events, messages, time.Now()))
	})
}

func remoteTrace(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
	return a.again(ctx, a.trace.watch, traceEvery, func() error {
		t, err := box.Trace(ctx, args[0])
		if err != nil {
			return err
		}
		return printTrace(a, t)
	})
}

func printTrace(a *app, t trace.Trace) error {
	return a.print(t, func(w io.Writer) error {
		if err := printTimeline(w, t.Entries); err != nil {
			return err
		}
		var lines []string
		for i, l := range t.Diagnosis.Lines() {
			if i > 0 {
				l = "  " + l
			}
			lines = append(lines, plain(l))
		}
		if len(t.Entries) > 0 {
			lines = append([]string{""}, lines...)
		}
		return printLines(w, lines)
	})
}

// normalMAC reads a MAC that somebody typed.
func normalMAC(text string) (string, error) {
	mac, err := osd.NormalizeMAC(text)
	if err != nil {
		return "", &usageError{fmt.Errorf("%q is no MAC; give one such as 52:54:00:77:00:11", text)}
	}
	return mac, nil
}

// macs completes with the MACs of the computers that the site knows.
func (a *app) macs(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	if len(args) == 0 {
		for _, computer := range a.computers(c.Context()) {
			for _, mac := range computer.MACs {
				out = append(out, cobra.CompletionWithDesc(strings.ToLower(mac), computer.Name))
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// computers lists the computers of the site, none where it does not answer soon.
func (a *app) computers(ctx context.Context) []osd.Computer {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	s, err := a.site()
	if err != nil {
		return nil
	}
	all, err := listComputers(ctx, s)
	if err != nil {
		return nil
	}
	return all
}

func listComputers(ctx context.Context, s *client.Client) ([]osd.Computer, error) {
	l, err := s.List(ctx, string(osd.KindComputer))
	if err != nil {
		return nil, err
	}
	all := make([]osd.Computer, len(l.Objects))
	for i, raw := range l.Objects {
		if err := json.Unmarshal(raw, &all[i]); err != nil {
			return nil, fmt.Errorf("computer: %w", err)
		}
	}
	return all, nil
}
