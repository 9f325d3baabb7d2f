package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd"
)

// logRead copies the log of a computer's last job from an offset on to w, as
// the Log of both clients does.
type logRead func(ctx context.Context, name string, offset int64, follow bool, w io.Writer) (job string, next int64, err error)

func newStatusLog(a *app) *cobra.Command {
	c := &cobra.Command{Use: "log COMPUTER", Short: "smsts.log of the last job of a computer, or of a job",
		Long: "smsts.log of the last job of a computer, as its agent has sent it to its box while it runs; the end of it, where\n" +
			"it is long. The site asks the box for it, and keeps nothing. Secrets are masked. --follow goes on until the job has ended.",
		Example: "  bootward status log ward7-pc1 --follow\n  bootward --box 192.0.2.17 --as bob status log ward7-pc1", Args: exactly("COMPUTER"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.noJSON(); err != nil {
				return err
			}
			return runStatusLog(c.Context(), a, args[0])
		}}
	c.Flags().BoolVarP(&a.status.follow, "follow", "f", false, "go on until the job has ended")
	c.Flags().BoolVarP(&a.status.follow, "watch", "w", false, "the same as --follow")
	refuseFlag(c, "csv", "", "a log has no columns; the steps of the job are in `bootward status report COMPUTER --csv`")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	return c
}

// noJSON refuses --json: a log is text, as existing viewers read it.
func (a *app) noJSON() error {
	if a.json {
		return &usageError{errors.New("status log: --json: a log is text; `bootward --json status report COMPUTER` has the steps of the job")}
	}
	return nil
}

func remoteLog(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
	if err := a.noJSON(); err != nil {
		return err
	}
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
		case steers(r):
			return ' '
		}
		return r
	}, string(p))
	if _, err := io.WriteString(s.w, text); err != nil {
		return 0, errors.Join(errors.New("write the log"), err)
	}
	return len(p), nil
}

// runStatusLog reads the log through the site, which asks the box for it.
func runStatusLog(ctx context.Context, a *app, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	return a.copyLog(ctx, name, s.Log)
}
