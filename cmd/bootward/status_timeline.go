package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
)

func newStatusTimeline(a *app) *cobra.Command {
	var mac string
	c := &cobra.Command{Use: "timeline COMPUTER", Short: "A machine from its first packet to its last step",
		Example: "  bootward status timeline ward7-pc1", Args: exactly("COMPUTER"),
		RunE: func(c *cobra.Command, args []string) error { return runStatusTimeline(c.Context(), a, args[0], mac) }}
	c.Flags().StringVar(&mac, "mac", "", "MAC of a machine that is not known, or has another address now")
	refuseFlag(c, "csv", "", "a timeline is made of entries of two kinds: --json has them all, `bootward status messages --computer COMPUTER --csv` the messages")
	refuseFlag(c, "watch", "w", "a timeline is drawn once: `bootward status messages --computer COMPUTER --watch` follows the messages")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	return c
}

func runStatusTimeline(ctx context.Context, a *app, computer, mac string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	messages, err := s.AllMessages(ctx, computer, "", "")
	if err != nil {
		return err
	}
	var known osd.Computer
	if raw, err := s.Get(ctx, string(osd.KindComputer), computer); err == nil {
		if err := json.Unmarshal(raw, &known); err != nil {
			return err
		}
	}
	if mac != "" {
		known.MACs = []string{mac}
	}
	var events []status.FlightEvent
	for _, m := range known.MACs {
		some, err := s.Flight(ctx, m)
		if err != nil {
			return err
		}
		events = append(events, some...)
	}
	entries := status.Timeline(events, messages)
	if len(entries) == 0 {
		return nothingOf(ctx, s, computer)
	}
	return a.print(entries, func(w io.Writer) error { return printTimeline(w, entries) })
}

// printTimeline prints local time, seconds since the first entry, and words.
func printTimeline(w io.Writer, entries []status.Entry) error {
	width := terminalWidth(w)
	for _, e := range entries {
		line := fmt.Sprintf("%s %9.1f s  %s", e.Time.Local().Format("2006-01-02 15:04:05"), e.After.Seconds(), plain(e.Text))
		if r := []rune(line); width > 0 && len(r) > width {
			line = string(r[:width-1]) + "~"
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
