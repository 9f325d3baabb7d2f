package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

type statusJobsOptions struct {
	watch bool
	every time.Duration
}

func newStatusJobs(a *app) *cobra.Command {
	var o statusJobsOptions
	c := &cobra.Command{Use: "jobs", Short: "Deployments: running, succeeded, failed",
		Example: "  bootward status jobs --watch", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runStatusJobs(c.Context(), a, o) }}
	c.Flags().BoolVarP(&o.watch, "watch", "w", false, "show them again and again, until interrupted")
	c.Flags().DurationVar(&o.every, "every", 2*time.Second, "how often")
	return c
}

func runStatusJobs(ctx context.Context, a *app, o statusJobsOptions) error {
	if o.every <= 0 {
		return &usageError{fmt.Errorf("status jobs: --every: give more than 0")}
	}
	return a.again(ctx, o.watch, o.every, func() error { return printJobs(ctx, a) })
}

func printJobs(ctx context.Context, a *app) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	jobs, err := s.Jobs(ctx)
	if err != nil {
		return err
	}
	return a.print(jobs, func(w io.Writer) error {
		t := newTable("COMPUTER", "STATE", "STARTED", "LAST SEEN", "LAST ACTION", "MESSAGE", "EXIT", "ADVERTISEMENT", "BOX", "JOB")
		for _, j := range jobs {
			t.row(j.Computer, j.State, clock(j.Started), clock(j.LastSeen), j.LastAction, fmt.Sprint(int(j.LastMessage)), fmt.Sprint(j.ExitCode), j.Advertisement, j.Box, j.Job)
		}
		return t.write(w)
	})
}
