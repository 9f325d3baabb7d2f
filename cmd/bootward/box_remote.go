package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/osd/status"
)

// remoteOptions are the flags by which a verb goes to a box itself.
type remoteOptions struct {
	box, as, pinFile string
}

// remoteVerb is a verb that a box carries out itself when --box is given.
type remoteVerb struct {
	path  []string // of the command
	use   string   // of one that there is for boxes only
	short string
	args  cobra.PositionalArgs
	run   func(ctx context.Context, a *app, box *boxclient.Client, args []string) error
}

func remoteVerbs() []remoteVerb {
	return []remoteVerb{
		{[]string{"box", "show"}, "", "", exactly(), remoteShow},
		{[]string{"box", "resume"}, "", "", exactly(), remoteResume},
		{[]string{"computer", "pending"}, "pending", "Machines that wait until a person has compared their code", exactly(), remotePending},
		{[]string{"computer", "approve"}, "approve CODE", "Let the machine go on that shows this code on its screen", exactly("CODE"), remoteDecide("approve")},
		{[]string{"computer", "deny"}, "deny CODE", "Send the machine away that shows this code", exactly("CODE"), remoteDecide("deny")},
		{[]string{"computer", "clear-pxe"}, "", "", someComputers, remoteClear},
		{[]string{"site", "audit"}, "", "", exactly(), remoteAudit},
		{[]string{"status", "timeline"}, "", "", exactly("MAC"), remoteTimeline},
	}
}

func someComputers(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return &usageError{fmt.Errorf("%s: COMPUTER is missing", c.CommandPath())}
	}
	return nil
}

// remote adds the flags, lets the verbs that a box knows go there, and refuses
// all others: nobody is to believe that a box was told what the site was told.
func remote(a *app, root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&a.remote.box, "box", "", "go to this box itself, HOST or HOST:PORT; the site is not asked")
	f.StringVar(&a.remote.as, "as", "", "with --box: your name at the box, for which the PIN is asked")
	f.StringVar(&a.remote.pinFile, "pin-file", "", "with --box: file that holds the PIN; - is standard input")
	root.TraverseChildren = true // explain and import have a --box of their own, behind the verb
	verbs := remoteVerbs()
	var known []string
	for _, v := range verbs {
		known = append(known, strings.Join(v.path, " "))
		v.join(a, root)
	}
	refuseOthers(a, root, known)
}

// join wraps the command of the verb, or adds one that goes to boxes only.
func (v remoteVerb) join(a *app, root *cobra.Command) {
	c, rest, err := root.Find(v.path)
	if err != nil || len(rest) > 0 {
		parent := c
		c = &cobra.Command{Use: v.use, Short: v.short, Example: "  bootward --box 192.0.2.17 --as bob " + strings.Join(v.path[:1], " ") + " " + strings.Replace(v.use, "CODE", "482-913", 1),
			RunE: func(c *cobra.Command, _ []string) error {
				return &usageError{fmt.Errorf("%s: say at which box: --box ADDRESS --as NAME", c.CommandPath())}
			}}
		parent.AddCommand(c)
	}
	siteArgs, siteRun := c.Args, c.RunE
	c.Args = func(c *cobra.Command, args []string) error {
		if a.remote.box == "" {
			if siteArgs == nil {
				return nil
			}
			return siteArgs(c, args)
		}
		return v.args(c, args)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if a.remote.box == "" {
			return siteRun(c, args)
		}
		if err := ownFlags(c); err != nil {
			return err
		}
		return runRemote(c.Context(), a, args, v.run)
	}
}

// ownFlags refuses flags of the verb, which mean something to the site only.
func ownFlags(c *cobra.Command) (err error) {
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && f.Name != "help" && err == nil {
			err = &usageError{fmt.Errorf("%s: --%s is for the site; it does not go with --box", c.CommandPath(), f.Name)}
		}
	})
	return err
}

// refuseOthers lets every other command say that it does not go to a box.
func refuseOthers(a *app, root *cobra.Command, known []string) {
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		path := strings.TrimPrefix(c.CommandPath(), root.Name()+" ")
		switch o := a.remote; {
		case o.box == "" && (o.as != "" || o.pinFile != ""):
			return &usageError{errors.New("--as and --pin-file go with --box ADDRESS, which stands before the verb")}
		case o.box != "" && !slices.Contains(known, path):
			return &usageError{fmt.Errorf("%s does not go to a box: with --box there are %s", c.CommandPath(), strings.Join(known, ", "))}
		}
		return nil
	}
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			each(sub)
		}
		path := strings.TrimPrefix(c.CommandPath(), root.Name()+" ")
		if check := c.Args; check != nil && !slices.Contains(known, path) {
			c.Args = func(c *cobra.Command, args []string) error {
				if a.remote.box != "" {
					return nil // refused in a moment, whatever its arguments are
				}
				return check(c, args)
			}
		}
	}
	each(root)
}

func remoteShow(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
	s, err := box.State(ctx)
	if err != nil {
		return err
	}
	return a.print(s, func(w io.Writer) error { return printLines(w, consoleLines(s)) })
}

// consoleLines writes what a box says of itself.
func consoleLines(s api.BoxConsole) []string {
	var lines []string
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, fmt.Sprintf("%-10s%s", label, text))
		}
	}
	add("box", fmt.Sprintf("%s, site %s (version %s)", s.Box, s.Site, s.Version))
	add("address", strings.Join(s.Addresses, ", "))
	add("policy", s.Policy)
	if s.Line != "" {
		add("site", "not reached: "+s.Line)
	}
	if s.Waiting > 0 {
		add("outbox", fmt.Sprintf("%d events wait for the site", s.Waiting))
	}
	for _, j := range s.Jobs {
		text := fmt.Sprintf("%s: %s, since %s", j.Computer, j.Sequence, clock(j.Opened))
		if j.Progress != nil {
			text += fmt.Sprintf(", step %d %s", j.Progress.Step, j.Progress.Action)
		}
		add("job", text)
	}
	for _, p := range s.Pending {
		add("approval", fmt.Sprintf("%s %s: %s", p.Code, p.Computer, p.Sequence))
	}
	add("STOPPED", s.Stopped)
	for _, text := range s.Alarms {
		add("ALARM", text)
	}
	if s.Ready {
		add("state", "ready")
	} else {
		add("state", "not ready: "+s.NotReady)
	}
	return lines
}

func remotePending(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
	all, err := box.Pending(ctx)
	if err != nil {
		return err
	}
	return a.print(all, func(w io.Writer) error {
		t := newTable("CODE", "COMPUTER", "MAC", "ADVERTISEMENT", "SEQUENCE", "ERASES", "SINCE", "DECIDED", "WHY")
		for _, p := range all {
			t.row(p.Code, p.Computer, strings.Join(p.Identity.MACs, " "), p.Advertisement, p.Sequence, yes(p.Destructive), clock(p.AskedAt),
				strings.TrimSpace(p.Decision+" "+p.Who), p.Why)
		}
		return t.write(w)
	})
}

func remoteDecide(decision string) func(context.Context, *app, *boxclient.Client, []string) error {
	return func(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
		p, err := box.Decide(ctx, args[0], decision)
		if err != nil {
			return err
		}
		return a.print(p, func(w io.Writer) error {
			return printLines(w, []string{fmt.Sprintf("%s: %s, %s, %s", decision, p.Code, p.Computer, p.Sequence)})
		})
	}
}

func remoteResume(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
	if err := box.Resume(ctx); err != nil {
		return err
	}
	return a.print(struct{}{}, func(w io.Writer) error { return printLines(w, []string{"the box goes on"}) })
}

func remoteClear(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
	out, err := box.Clear(ctx, args)
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error {
		return printLines(w, []string{"cleared: " + strings.Join(out.Computers, ", ")})
	})
}

func remoteAudit(ctx context.Context, a *app, box *boxclient.Client, _ []string) error {
	all, err := box.Audit(ctx)
	if err != nil {
		return err
	}
	return a.print(all, func(w io.Writer) error {
		t := newTable("TIME", "WHO", "WHAT", "OBJECT", "TEXT")
		for _, e := range slices.Backward(all) { // the newest last, as at the site
			t.row(clock(e.Time), e.Who, e.What, e.Object, e.Text)
		}
		return t.write(w)
	})
}

func remoteTimeline(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
	events, err := box.Timeline(ctx, args[0])
	if err != nil {
		return err
	}
	entries := status.Timeline(events, nil)
	if len(entries) == 0 {
		return api.Errorf(api.CodeNotFound, args[0], "the box remembers nothing of this machine")
	}
	return a.print(entries, func(w io.Writer) error { return printTimeline(w, entries) })
}
