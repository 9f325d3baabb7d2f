package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd"
)

// logRead copies the log of a computer's last job from an offset on to w, as
// boxclient.Client.Log does.
type logRead func(ctx context.Context, name string, offset int64, follow bool, w io.Writer) (job string, next int64, err error)

func newStatusLog(a *app) *cobra.Command {
	c := &cobra.Command{Use: "log COMPUTER", Short: "smsts.log of the last job of a computer, or of a job",
		Long: "smsts.log of the last job of a computer, as its agent has sent it to the box while it runs; the end of it, where\n" +
			"it is long. Secrets are masked. --follow goes on until the job has ended.",
		Example: "  bootward --box 192.0.2.17 --as bob status log ward7-pc1 --follow", Args: exactly("COMPUTER"),
		RunE: func(c *cobra.Command, args []string) error { return runStatusLog(c.Context(), a, args[0]) }}
	c.Flags().BoolVarP(&a.status.follow, "follow", "f", false, "go on until the job has ended")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	return c
}

func remoteLog(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
	return a.copyLog(ctx, args[0], box.Log)
}

// copyLog copies a log. One that is followed is asked for again where the line broke,
// while it is the same job's.
func (a *app) copyLog(ctx context.Context, name string, read logRead) error {
	out := &safeLog{w: a.out, raw: !terminal(a.out)}
	job, at, err := read(ctx, name, 0, a.status.follow, out)
	for err != nil && job != "" && a.status.follow {
		if ctx.Err() != nil {
			return nil
		}
		fmt.Fprintf(a.err, "%s  %v\n", clock(time.Now()), err)
		if !supervisor.Sleep(ctx, streamGap) {
			return nil
		}
		var same string
		same, at, err = read(ctx, job, at, true, out)
		if same == "" && err != nil && api.Final(err) {
			break
		}
	}
	if ctx.Err() != nil && a.status.follow {
		return nil
	}
	return err
}

// safeLog lets a log that goes to a terminal have no power over it; elsewhere it stays
// as it is, byte for byte.
type safeLog struct {
	w   io.Writer
	raw bool
}

func (s *safeLog) Write(p []byte) (int, error) {
	if s.raw {
		return s.w.Write(p)
	}
	text := strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\r':
			return -1
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			return ' '
		}
		return r
	}, string(p))
	if _, err := io.WriteString(s.w, text); err != nil {
		return 0, errors.Join(errors.New("write the log"), err)
	}
	return len(p), nil
}

// runStatusLog says at which box the log is: it does not travel to the site.
func runStatusLog(ctx context.Context, a *app, computer string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	jobs, err := s.Jobs(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(jobs, func(j api.JobState) bool { return j.Computer == computer || j.Job == computer })
	if i < 0 {
		return nothingOf(ctx, s, computer)
	}
	boxes, err := s.Boxes(ctx)
	if err != nil {
		return err
	}
	address := "ADDRESS"
	for _, b := range boxes {
		if b.Name == jobs[i].Box && b.CheckIn != nil && len(b.CheckIn.Addresses) > 0 {
			address = b.CheckIn.Addresses[0]
		}
	}
	return api.Errorf(api.CodeNotFound, fmt.Sprintf("log of computer %q", computer), "it is at box %s and does not travel to the site", jobs[i].Box).
		WithRemedy("bootward --box %s --as NAME status log %s", address, computer)
}
