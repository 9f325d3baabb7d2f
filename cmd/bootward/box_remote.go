package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bootward/bootward/appliance/boxclient"
)

// remoteOptions are the flags by which a verb goes to a box itself.
type remoteOptions struct {
	box, as, pinFile string
	iface            string // of box selftest
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
		{[]string{"box", "trace"}, "", "", exactly("MAC"), remoteTrace},
		{[]string{"box", "explain"}, "", "", exactly("MAC"), remoteExplain},
		{[]string{"box", "resume"}, "", "", exactly(), remoteResume},
		{[]string{"computer", "pending"}, "pending", "Machines that wait until a person has compared their code", exactly(), remotePending},
		{[]string{"computer", "approve"}, "approve CODE", "Let the machine go on that shows this code on its screen", exactly("CODE"), remoteDecide("approve")},
		{[]string{"computer", "deny"}, "deny CODE", "Send the machine away that shows this code", exactly("CODE"), remoteDecide("deny")},
		{[]string{"computer", "retry"}, "", "", atLeastOne("COMPUTER"), remoteRetry},
		{[]string{"computer", "clear-pxe"}, "", "", atLeastOne("COMPUTER"), remoteClear},
		{[]string{"site", "audit"}, "", "", exactly(), remoteAudit},
		{[]string{"status", "timeline"}, "", "", exactly("MAC"), remoteTimeline},
		{[]string{"status", "homepage"}, "", "", exactly(), remoteStatus(showHomepage)},
		{[]string{"status", "advertisement"}, "", "", exactly("NAME"), remoteStatus(showAdvertisement)},
		{[]string{"status", "report"}, "", "", oneOrTwo("COMPUTER", "ADVERTISEMENT"), remoteStatus(boxReport)},
		{[]string{"status", "unprovisioned"}, "", "", exactly(), remoteStatus(showUnprovisioned)},
		{[]string{"status", "messages"}, "", "", exactly(), remoteStatus(showMessages)},
		{[]string{"status", "jobs"}, "", "", exactly(), remoteStatus(showJobs)},
		{[]string{"status", "log"}, "", "", exactly("COMPUTER"), remoteLog},
		{[]string{"box", "selftest"}, "", "", exactly(), remoteSelfTest},
	}
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

// alike are flags of verbs that mean the same at a box.
var alike = []string{"help", "watch", "firmware", "csv", "width", "computer", "advertisement", "job", "failures", "id", "follow"}

// ownFlags refuses flags of the verb that mean something to the site only.
func ownFlags(c *cobra.Command) (err error) {
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && !slices.Contains(alike, f.Name) && err == nil {
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
