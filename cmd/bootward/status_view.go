package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
)

// statusSource is who knows of deployments: a site, or a box while its line is cut.
type statusSource interface {
	Homepage(context.Context) (status.Homepage, error)
	AdvertisementStatus(ctx context.Context, name string) (status.AdvertisementStatus, error)
	Unprovisioned(context.Context) ([]trace.Machine, error)
	Jobs(context.Context) ([]api.JobState, error)
	// AllMessages reads every message; what is left empty selects all.
	AllMessages(ctx context.Context, computer, advertisement, job string) ([]status.Message, error)
	// Events reads the stream of events until it ends: docs/formats/events.md.
	Events(ctx context.Context, after string, query url.Values, take func(status.Event) error) (string, error)
}

// statusOptions are the flags of the views, which mean the same at a box.
type statusOptions struct {
	watch, csv            bool
	width                 int
	computer, advert, job string
	failures, follow      bool
	ids                   []int
}

// flags adds those that every view has.
func (o *statusOptions) flags(c *cobra.Command) {
	c.Flags().BoolVarP(&o.watch, "watch", "w", false, "follow the stream of events: draw anew on a terminal, else a line for each change")
	c.Flags().BoolVar(&o.csv, "csv", false, "write CSV (RFC 4180)")
	c.Flags().IntVar(&o.width, "width", -1, "width of the table; 0 gives each row one long line (default: that of the terminal, else 0)")
}

// refuseFlag lets a verb say why it has no flag that its neighbours have.
func refuseFlag(c *cobra.Command, name, short, why string) {
	c.Flags().BoolFuncP(name, short, "", func(string) error { return errors.New(why) })
	c.Flags().Lookup(name).Hidden = true
}

// view is something to look at.
type view struct {
	table status.Table
	value any // as JSON
}

// atSite runs a view at the site.
func (a *app) atSite(name string, run func(context.Context, *app, statusSource, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if a.status.csv && a.json {
			return &usageError{fmt.Errorf("status %s: --csv and --json are given; choose one", name)}
		}
		s, err := a.site()
		if err != nil {
			return err
		}
		return run(c.Context(), a, s, args)
	}
}

// remoteStatus runs a view at a box.
func remoteStatus(run func(context.Context, *app, statusSource, []string) error) func(context.Context, *app, *boxclient.Client, []string) error {
	return func(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
		if a.status.csv && a.json {
			return &usageError{errors.New("--csv and --json are given; choose one")}
		}
		return run(ctx, a, box, args)
	}
}

// boxReport is a report of what a box knows.
func boxReport(ctx context.Context, a *app, from statusSource, args []string) error {
	nothing := func() error { return api.Errorf(api.CodeNotFound, args[0], "the box knows of no job of this computer") }
	return showReport(ctx, a, from, args, nothing, func(string) string { return "" })
}

// show shows a view once, or whenever an event of the stream may have changed it.
func (a *app) show(ctx context.Context, from statusSource, query url.Values, load func() (view, error)) error {
	if !a.status.watch {
		v, err := load()
		if err != nil {
			return err
		}
		return a.write(v, v.table.Rows, true)
	}
	last, first := view{}, true
	return a.follow(ctx, from, query, func() error {
		v, err := load()
		if err != nil {
			return err
		}
		rows := v.table.Changed(last.table)
		if !first && len(rows) == 0 {
			return nil
		}
		err = a.write(v, rows, first)
		last, first = v, false
		return err
	}, nil)
}

// write writes a view: all of it, or, where it is watched and this is no terminal,
// the rows that have changed.
func (a *app) write(v view, changed [][]string, first bool) error {
	if a.json && a.status.watch {
		return a.encode(v.value)
	}
	if a.status.watch && terminal(a.out) && !a.status.csv {
		fmt.Fprint(a.out, "\x1b[H\x1b[2J")
	} else if !first {
		return a.lines(changed)
	}
	return a.print(v.value, func(w io.Writer) error {
		if a.status.csv {
			return v.table.WriteCSV(w)
		}
		return v.table.WriteText(w, a.width())
	})
}

// lines writes rows of which the head was written before.
func (a *app) lines(rows [][]string) error {
	if a.status.csv {
		return status.WriteRows(a.out, rows)
	}
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			if i > 0 {
				line += "  "
			}
			line += plain(cell)
		}
		if _, err := fmt.Fprintln(a.out, line); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) width() int {
	if a.status.width >= 0 {
		return a.status.width
	}
	return terminalWidth(a.out)
}

const (
	drawGap   = time.Second     // between two looks at a view
	streamGap = 2 * time.Second // before a stream that ended is opened again
)

// follow looks when the stream has begun, and again behind events, until ctx ends. A
// stream that breaks off is opened again where it was. each is given every event;
// nil: only look.
func (a *app) follow(ctx context.Context, from statusSource, query url.Values, look func() error, each func(status.Event) error) error {
	dirty, ended := make(chan struct{}, 1), make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ended <- a.events(running, from, query, dirty, each) }()
	for {
		select {
		case <-dirty:
		case err := <-ended:
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := look(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			fmt.Fprintf(a.err, "%s  %v\n", clock(time.Now()), err)
		}
		if !supervisor.Sleep(ctx, drawGap) {
			return nil
		}
	}
}

// events keeps a stream open. The first one must open, and no other may be refused for good:
// who was signed out asks in vain.
func (a *app) events(ctx context.Context, from statusSource, query url.Values, dirty chan<- struct{}, each func(status.Event) error) error {
	place, opened := "", false
	for {
		var failed error
		after, err := from.Events(ctx, place, query, func(e status.Event) error {
			opened = true
			if each != nil && e != (status.Event{}) {
				if failed = each(e); failed != nil {
					return failed
				}
			}
			select {
			case dirty <- struct{}{}:
			default: // somebody is to look already
			}
			return nil
		})
		place = after
		if failed != nil || !opened || ctx.Err() != nil || err != nil && api.Final(err) {
			return errors.Join(failed, err)
		}
		if err != nil {
			fmt.Fprintf(a.err, "%s  %v\n", clock(time.Now()), err)
		}
		if !supervisor.Sleep(ctx, streamGap) {
			return nil
		}
	}
}
