package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
)

type statusReportOptions struct {
	advertisement string
	width         int
	csv           bool
}

func newStatusReport(a *app) *cobra.Command {
	var o statusReportOptions
	c := &cobra.Command{Use: "report COMPUTER", Short: "History of a task sequence on a computer, step by step (figure 10 of the guide)",
		Example: "  bootward status report ward7-pc1 --advertisement \"Ward 7 gets Debian 12\"", Args: exactly("COMPUTER"),
		RunE: func(c *cobra.Command, args []string) error { return runStatusReport(c.Context(), a, o, args[0]) }}
	c.Flags().StringVar(&o.advertisement, "advertisement", "", "only this advertisement, by name or id")
	c.Flags().IntVar(&o.width, "width", 0, "width of the table; 0 leaves cells as long as they are")
	c.Flags().BoolVar(&o.csv, "csv", false, "write CSV (RFC 4180)")
	return c
}

func runStatusReport(ctx context.Context, a *app, o statusReportOptions, computer string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	messages, err := s.AllMessages(ctx, computer, o.advertisement, "")
	if err != nil {
		return err
	}
	if len(messages) == 0 {
		return fmt.Errorf("status report: there is no message of computer %q", computer)
	}
	all := reports(messages)
	for i := range all {
		// Boxes report IDs; a report is for people.
		var named osd.Meta
		if raw, err := s.Get(ctx, string(osd.KindAdvertisement), all[i].Advertisement); err == nil && json.Unmarshal(raw, &named) == nil {
			all[i].Advertisement = named.Name
		}
	}
	return a.print(all, func(w io.Writer) error {
		for _, r := range all {
			err := error(nil)
			if o.csv {
				err = r.WriteCSV(w)
			} else {
				err = r.WriteText(w, o.width)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// reports makes one report for each advertisement that the computer ran.
func reports(messages []status.Message) []status.Report {
	type key struct{ computer, advertisement string }
	var out []status.Report
	seen := map[key]bool{}
	for _, m := range messages {
		k := key{m.Computer, m.Advertisement}
		if !seen[k] {
			seen[k] = true
			out = append(out, status.NewReport(m.Computer, m.Advertisement, messages))
		}
	}
	return out
}

type statusMessagesOptions struct{ computer, advertisement, job string }

func newStatusMessages(a *app) *cobra.Command {
	var o statusMessagesOptions
	c := &cobra.Command{Use: "messages", Short: "Status messages in the order of arrival",
		Example: "  bootward status messages --computer ward7-pc1", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runStatusMessages(c.Context(), a, o) }}
	c.Flags().StringVar(&o.computer, "computer", "", "only this computer")
	c.Flags().StringVar(&o.advertisement, "advertisement", "", "only this advertisement")
	c.Flags().StringVar(&o.job, "job", "", "only this job")
	return c
}

func runStatusMessages(ctx context.Context, a *app, o statusMessagesOptions) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	messages, err := s.AllMessages(ctx, o.computer, o.advertisement, o.job)
	if err != nil {
		return err
	}
	return a.print(messages, func(w io.Writer) error {
		t := newTable("TIME", "COMPUTER", "JOB", "NO.", "ID", "MESSAGE", "ACTION", "EXIT")
		for _, m := range messages {
			t.row(clock(m.Time), m.Computer, m.Job, fmt.Sprint(m.Number), fmt.Sprint(int(m.ID)), m.ID.Name(), m.Action, fmt.Sprint(m.ExitCode))
		}
		return t.write(w)
	})
}

func newStatusTimeline(a *app) *cobra.Command {
	var mac string
	c := &cobra.Command{Use: "timeline COMPUTER", Short: "A machine from its first packet to its last step",
		Example: "  bootward status timeline ward7-pc1", Args: exactly("COMPUTER"),
		RunE: func(c *cobra.Command, args []string) error { return runStatusTimeline(c.Context(), a, args[0], mac) }}
	c.Flags().StringVar(&mac, "mac", "", "MAC of a machine that is not known, or has another address now")
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
	return a.print(entries, func(w io.Writer) error {
		for _, e := range entries {
			if _, err := fmt.Fprintf(w, "%s  %s\n", e.Time.Local().Format(time.StampMilli), plain(e.Text)); err != nil {
				return err
			}
		}
		return nil
	})
}
