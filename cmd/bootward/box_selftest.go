package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/client"
)

// remoteSelfTest is the verb by which a box tests its segments.
func remoteSelfTest() remoteVerb {
	var iface string
	return remoteVerb{[]string{"box", "selftest"}, "selftest", "Test the segments of a box: other DHCP and PXE servers, switch port, MTU", exactly(),
		func(f *pflag.FlagSet) {
			f.StringVar(&iface, "interface", "", "the segment of this interface only, such as eth0")
		},
		func(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
			stop := elapsing(a.err, "the box asks on its segments as a machine would")
			out, err := box.SelfTest(ctx, iface)
			stop()
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error { return printLines(w, plainLines(&out, "")) })
		}}
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
