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
	if err := printJobs(ctx, a); err != nil || !o.watch {
		return err
	}
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if terminal(a.out) {
			fmt.Fprint(a.out, "\x1b[H\x1b[2J")
		}
		if err := printJobs(ctx, a); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			// The site may be starting again: say so and look again.
			fmt.Fprintf(a.err, "%s  %v\n", clock(time.Now()), err)
		}
	}
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
