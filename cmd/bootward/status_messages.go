package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
)

type statusMessagesOptions struct{ computer, advertisement, job string }

func newStatusMessages(a *app) *cobra.Command {
	var o statusMessagesOptions
	c := &cobra.Command{Use: "messages", Short: "Status messages in the order of arrival",
		Example: "  bootward status messages --computer ward7-pc1", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runStatusMessages(c.Context(), a, o) }}
	c.Flags().StringVar(&o.computer, "computer", "", "only this computer")
	c.Flags().StringVar(&o.advertisement, "advertisement", "", "only this advertisement")
	c.Flags().StringVar(&o.job, "job", "", "only this job")
	complete(c, "computer", a.names(osd.KindComputer))
	complete(c, "advertisement", a.names(osd.KindAdvertisement))
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
	if messages == nil {
		messages = []status.Message{}
	}
	return a.print(messages, func(w io.Writer) error {
		t := newTable("TIME", "COMPUTER", "JOB", "NO.", "ID", "MESSAGE", "ACTION", "EXIT")
		for _, m := range messages {
			t.row(clock(m.Time), m.Computer, m.Job, fmt.Sprint(m.Number), fmt.Sprint(int(m.ID)), m.ID.Name(), m.Action, fmt.Sprint(m.ExitCode))
		}
		return t.write(w)
	})
}
