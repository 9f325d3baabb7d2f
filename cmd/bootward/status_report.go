package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/client"
)

type statusReportOptions struct {
	advertisement string
	width         int
	csv           bool
}

func newStatusReport(a *app) *cobra.Command {
	var o statusReportOptions
	c := &cobra.Command{Use: "report COMPUTER", Short: "History of a task sequence on a computer, step by step (figure 10 of the guide)",
		Long:    "History of the task sequence advertisements that ran on a computer, step by step: the report of the\nguide's figure 10. What is cut in the table stands in full in --csv and --json. Times are UTC.",
		Example: "  bootward status report ward7-pc1 --advertisement \"Ward 7 gets Debian 12\"", Args: exactly("COMPUTER"),
		RunE: func(c *cobra.Command, args []string) error { return runStatusReport(c.Context(), a, o, args[0]) }}
	c.Flags().StringVar(&o.advertisement, "advertisement", "", "only this advertisement, by name or id")
	c.Flags().IntVar(&o.width, "width", -1, "width of the table; 0 gives each record one long line (default: that of the terminal, else 0)")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	complete(c, "advertisement", a.names(osd.KindAdvertisement))
	c.Flags().BoolVar(&o.csv, "csv", false, "write CSV (RFC 4180)")
	return c
}

func runStatusReport(ctx context.Context, a *app, o statusReportOptions, computer string) error {
	if o.csv && a.json {
		return &usageError{errors.New("status report: --csv and --json are given; choose one")}
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	messages, err := s.AllMessages(ctx, computer, o.advertisement, "")
	if err != nil {
		return err
	}
	if len(messages) == 0 {
		return nothingOf(ctx, s, computer)
	}
	all := reports(messages)
	for i := range all {
		// Boxes report IDs; a report is for people.
		var named osd.Meta
		if raw, err := s.Get(ctx, string(osd.KindAdvertisement), all[i].Advertisement); err == nil && json.Unmarshal(raw, &named) == nil {
			all[i].AdvertisementName = named.Name
		}
	}
	if o.width < 0 {
		o.width = terminalWidth(a.out)
	}
	return a.print(all, func(w io.Writer) error {
		for i, r := range all {
			err := error(nil)
			if i > 0 && !o.csv {
				fmt.Fprintln(w)
			}
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

// nothingOf says why there is nothing to report of a computer.
func nothingOf(ctx context.Context, s *client.Client, computer string) error {
	object := fmt.Sprintf("Computer %q", computer)
	if _, err := s.Get(ctx, string(osd.KindComputer), computer); err != nil {
		return named(err, osd.KindComputer, computer)
	}
	return api.Errorf(api.CodeNotFound, object, "nothing was reported of it yet").
		WithRemedy("see whether it boots from the network and whether its box is ready: `bootward box list`")
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
