package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

func newStatusJobs(a *app) *cobra.Command {
	c := &cobra.Command{Use: "jobs", Short: "Deployments: running, succeeded, failed, the newest first",
		Example: "  bootward status jobs --watch", Args: exactly(), RunE: a.atSite("jobs", showJobs)}
	a.status.flags(c)
	return c
}

func showJobs(ctx context.Context, a *app, from statusSource, _ []string) error {
	return a.show(ctx, from, nil, func() (view, error) {
		jobs, err := from.Jobs(ctx)
		return view{jobTable(jobs), jobs}, err
	})
}

func jobTable(jobs []api.JobState) status.Table {
	t := status.Table{Columns: []status.Column{{Head: "COMPUTER", Least: 12}, {Head: "STATE", Least: 9}, {Head: "STARTED", Least: 10}, {Head: "LAST SEEN", Least: 10},
		{Head: "LAST ACTION", Least: 11}, {Head: "MESSAGE", Right: true}, {Head: "EXIT", Right: true}, {Head: "ADVERTISEMENT", Least: 14}, {Head: "BOX", Least: 9, Wide: true}, {Head: "JOB", Least: 8, Wide: true}}}
	for _, j := range jobs {
		t.Rows = append(t.Rows, []string{j.Computer, j.State, status.Stamp(j.Started), status.Stamp(j.LastSeen), j.LastAction,
			strconv.Itoa(int(j.LastMessage)), strconv.Itoa(j.ExitCode), j.Advertisement, j.Box, j.Job})
	}
	return t
}
