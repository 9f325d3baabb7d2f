package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/client"
)

// newBoxSelfTest is a verb of boxes alone. Its flag is persistent, so that it is not
// taken for one of the site.
func newBoxSelfTest(a *app) *cobra.Command {
	c := &cobra.Command{Use: "selftest", Short: "Test the segments of a box: other DHCP and PXE servers, switch port, MTU", Args: exactly(),
		Example: "  bootward --box 192.0.2.17 --as bob box selftest --interface eth0",
		RunE: func(*cobra.Command, []string) error {
			return &usageError{errors.New("box selftest: say at which box: --box ADDRESS --as NAME; the last result is in `bootward box show NAME`")}
		}}
	c.PersistentFlags().StringVar(&a.remote.iface, "interface", "", "the segment of this interface only, such as eth0")
	return c
}

func remoteSelfTest(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
	stop := elapsing(a.err, "the box asks on its segments as a machine would")
	out, err := box.SelfTest(ctx, a.remote.iface)
	stop()
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error { return printLines(w, plainLines(&out, "")) })
}

// plainLines writes a test for a person, each line behind before.
func plainLines(t *api.SelfTest, before string) []string {
	lines := []string{}
	for _, l := range t.Lines() {
		lines = append(lines, before+plain(l))
	}
	return lines
}

// showSelfTest tells behind the document of a box what the box found out about its
// segments, as comments.
func showSelfTest(ctx context.Context, s *client.Client, raw json.RawMessage, w io.Writer) error {
	var m osd.Meta
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	all, err := s.Boxes(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.ID == m.ID && b.CheckIn != nil {
			return printLines(w, plainLines(b.CheckIn.SelfTest, "# "))
		}
	}
	return nil
}

// elapsing shows on a terminal how long something has taken, until stop.
func elapsing(w io.Writer, what string) (stop func()) {
	if !terminal(w) {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			fmt.Fprintf(w, "\r%s ... %d s\x1b[K", what, int(time.Since(began).Seconds()))
			select {
			case <-tick.C:
			case <-end:
				fmt.Fprint(w, "\r\x1b[K")
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}
