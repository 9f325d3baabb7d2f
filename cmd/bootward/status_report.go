package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/client"
)

func newStatusReport(a *app) *cobra.Command {
	o := &a.status
	c := &cobra.Command{Use: "report COMPUTER [ADVERTISEMENT]", Short: "History of a task sequence on a computer, step by step (figure 10 of the guide)",
		Long:    "History of the task sequence advertisements that ran on a computer, step by step: the report of the\nguide's figure 10. What is cut in the table stands in full in --csv and --json. Times are UTC.",
		Example: "  bootward status report ward7-pc1 \"Ward 7 gets Debian 12\"", Args: oneOrTwo("COMPUTER", "ADVERTISEMENT"), RunE: a.atSite("report", siteReport)}
	o.flags(c)
	c.Flags().StringVar(&o.advert, "advertisement", "", "only this advertisement, by name or id")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	complete(c, "advertisement", a.names(osd.KindAdvertisement))
	return c
}

// oneOrTwo is exactly for verbs whose second name may be left out.
func oneOrTwo(first, second string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return exactly([]string{first, second}[:min(max(len(args), 1), 2)]...)(c, args)
	}
}

// siteReport says, where there is nothing to report, why.
func siteReport(ctx context.Context, a *app, from statusSource, args []string) error {
	s := from.(*client.Client)
	return showReport(ctx, a, from, args, func() error { return nothingOf(ctx, s, args[0]) }, func(id string) string {
		// Boxes report IDs; a report is for people.
		var named osd.Meta
		if raw, err := s.Get(ctx, string(osd.KindAdvertisement), id); err == nil && json.Unmarshal(raw, &named) == nil {
			return named.Name
		}
		return ""
	})
}

// showReport makes reports of the messages of a computer. nothing is the error where
// there are none; name tells the name of an advertisement.
func showReport(ctx context.Context, a *app, from statusSource, args []string, nothing func() error, name func(id string) string) error {
	advertisement := a.status.advert
	if len(args) > 1 {
		advertisement = args[1]
	}
	load := func() ([]status.Report, error) {
		messages, err := from.AllMessages(ctx, args[0], advertisement, "")
		if err != nil {
			return nil, err
		}
		if len(messages) == 0 {
			return nil, nothing()
		}
		all := reports(messages)
		for i := range all {
			all[i].AdvertisementName = name(all[i].Advertisement)
		}
		return all, nil
	}
	if !a.status.watch {
		all, err := load()
		if err != nil {
			return err
		}
		return a.print(all, func(w io.Writer) error { return a.writeReports(w, all) })
	}
	if !terminal(a.out) || a.json { // the rows of a report are the messages
		a.status.computer, a.status.advert = args[0], advertisement
		return watchMessages(ctx, a, from, status.Filter{})
	}
	return a.follow(ctx, from, url.Values{"computer": {args[0]}}, func() error {
		all, err := load()
		if err != nil {
			return err
		}
		fmt.Fprint(a.out, "\x1b[H\x1b[2J")
		return a.writeReports(a.out, all)
	}, nil)
}

func (a *app) writeReports(w io.Writer, all []status.Report) error {
	for i, r := range all {
		var err error
		switch {
		case a.status.csv:
			err = r.WriteCSV(w)
		default:
			if i > 0 {
				fmt.Fprintln(w)
			}
			err = r.WriteText(w, a.width())
		}
		if err != nil {
			return err
		}
	}
	return nil
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
