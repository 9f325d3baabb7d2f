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
)

type pendingOptions struct {
	watch bool
	every time.Duration
}

func newPending(a *app) *cobra.Command {
	var o pendingOptions
	c := &cobra.Command{Use: "pending", Short: "Machines that wait until a person has compared their code",
		Long:    "List the machines that wait for approval at all boxes, with the code that each shows on its screen. A code is\ngood for a quarter of an hour; then the machine shows another one.",
		Example: "  bootward computer pending --watch", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runPending(c.Context(), a, o) }}
	c.Flags().BoolVarP(&o.watch, "watch", "w", false, "show them again and again, until interrupted")
	c.Flags().DurationVar(&o.every, "every", 2*time.Second, "how often")
	c.ValidArgsFunction = cobra.NoFileCompletions
	return c
}

func runPending(ctx context.Context, a *app, o pendingOptions) error {
	if o.every <= 0 {
		return &usageError{errors.New("computer pending: --every: give more than 0")}
	}
	return a.again(ctx, o.watch, o.every, func() error {
		s, err := a.site()
		if err != nil {
			return err
		}
		all, err := s.Pending(ctx)
		if err != nil {
			return err
		}
		return a.print(all, func(w io.Writer) error { return printPending(w, all, time.Now()) })
	})
}

func printPending(w io.Writer, all []api.BoxPending, now time.Time) error {
	t := newTable("CODE", "BOX", "COMPUTER", "KNOWN", "MACHINE", "ADVERTISEMENT", "ERASES", "WHY", "WAITS", "DECISION")
	for _, p := range all {
		t.row(p.Code, p.Box, p.Computer, yes(p.Known), hardware(p.Identity), p.Advertisement, yes(p.Destructive), p.Why,
			max(now.Sub(p.AskedAt), 0).Round(time.Second).String(), strings.TrimSpace(p.Decision+" "+p.Who))
	}
	return t.write(w)
}

// hardware names a machine by what stands on its label.
func hardware(id api.Identity) string {
	parts := []string{strings.TrimSpace(id.Manufacturer + " " + id.Model)}
	if id.SerialNumber != "" {
		parts = append(parts, "serial "+id.SerialNumber)
	}
	if len(id.MACs) > 0 {
		parts = append(parts, "MAC "+strings.Join(id.MACs, " "))
	}
	return strings.TrimPrefix(strings.Join(parts, ", "), ", ")
}

// codes completes the codes of machines on which nobody has decided.
func (a *app) codes(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 {
		return nil, none
	}
	parent := c.Context()
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithTimeout(parent, completionPatience)
	defer cancel()
	s, err := a.site()
	if err != nil {
		return nil, none
	}
	all, err := s.Pending(ctx)
	if err != nil {
		return nil, none
	}
	var out []cobra.Completion
	for _, p := range all {
		if p.Decision == "" {
			out = append(out, cobra.CompletionWithDesc(p.Code, fmt.Sprintf("%s at %s", p.Computer, p.Box)))
		}
	}
	return out, none
}
