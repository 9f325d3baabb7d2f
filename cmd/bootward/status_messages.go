package main

import (
	"context"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
)

func newStatusMessages(a *app) *cobra.Command {
	o := &a.status
	c := &cobra.Command{Use: "messages", Short: "Status messages in the order of arrival",
		Example: "  bootward status messages --computer ward7-pc1\n  bootward status messages --failures --watch", Args: exactly(), RunE: a.atSite("messages", showMessages)}
	o.flags(c)
	c.Flags().StringVar(&o.computer, "computer", "", "only this computer")
	c.Flags().StringVar(&o.advert, "advertisement", "", "only this advertisement")
	c.Flags().StringVar(&o.job, "job", "", "only this job")
	c.Flags().BoolVar(&o.failures, "failures", false, "only messages with an exit code that is not 0")
	c.Flags().IntSliceVar(&o.ids, "id", nil, "only messages of this ID, such as 11135; may be given again")
	complete(c, "computer", a.names(osd.KindComputer))
	complete(c, "advertisement", a.names(osd.KindAdvertisement))
	return c
}

// filter is what the site or the box has not selected already.
func (o *statusOptions) filter() status.Filter {
	f := status.Filter{Failures: o.failures}
	for _, id := range o.ids {
		f.IDs = append(f.IDs, status.MessageID(id))
	}
	return f
}

func showMessages(ctx context.Context, a *app, from statusSource, _ []string) error {
	o, f := a.status, a.status.filter()
	if o.watch {
		return watchMessages(ctx, a, from, f)
	}
	all, err := from.AllMessages(ctx, o.computer, o.advert, o.job)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(m status.Message) bool { return !f.Takes(m) })
	if all == nil {
		all = []status.Message{}
	}
	return a.write(view{status.MessagesTable(all), all}, nil, true)
}

// watchMessages writes each message as it comes.
func watchMessages(ctx context.Context, a *app, from statusSource, f status.Filter) error {
	query := url.Values{}
	for name, value := range map[string]string{"computer": a.status.computer, "advertisement": a.status.advert, "job": a.status.job} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return a.follow(ctx, from, query, func() error { return nil }, func(e status.Event) error {
		switch {
		case e.Status == nil || !f.Takes(*e.Status):
			return nil
		case a.json:
			return a.encode(e.Status)
		}
		return a.lines([][]string{status.MessageRow(*e.Status)})
	})
}
