package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

type approveOptions struct {
	decision string
	atBox    string
	yes      bool
}

func newApprove(a *app) *cobra.Command {
	o := approveOptions{decision: policy.OrderApprove}
	c := &cobra.Command{Use: "approve CODE", Short: "Let the machine go on that shows this code on its screen",
		Long: "Approve the machine that waits under a code. Compare first: it is the machine that you mean if, and only if, its\n" +
			"own screen shows the same code. What it is and what it will run is shown before you are asked.",
		Example: "  bootward computer approve 482-913\n  bootward computer approve 482-913 --at-box ward7-box --yes", Args: exactly("CODE"),
		RunE: func(c *cobra.Command, args []string) error { return runApprove(c.Context(), a, o, args[0]) }}
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	atBox(a, c, &o)
	return c
}

func newDeny(a *app) *cobra.Command {
	o := approveOptions{decision: policy.OrderDeny, yes: true} // nothing happens to the machine
	c := &cobra.Command{Use: "deny CODE", Short: "Send the machine away that shows this code: it boots its disk",
		Example: "  bootward computer deny 482-913", Args: exactly("CODE"),
		RunE: func(c *cobra.Command, args []string) error { return runApprove(c.Context(), a, o, args[0]) }}
	atBox(a, c, &o)
	return c
}

func atBox(a *app, c *cobra.Command, o *approveOptions) {
	c.Flags().StringVar(&o.atBox, "at-box", "", "the machine at this box, where machines at two show the code")
	c.ValidArgsFunction = a.codes
	complete(c, "at-box", a.names(osd.KindBox))
}

func runApprove(ctx context.Context, a *app, o approveOptions, typed string) error {
	code := trust.NormalizeCode(typed)
	if code == "" {
		return &usageError{fmt.Errorf("computer %s: %q is no code: give the six digits on the machine's screen, such as 482-913", o.decision, typed)}
	}
	if a.json && !o.yes {
		return &usageError{errors.New("computer approve: nobody can be asked with --json: give --yes")}
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	all, err := s.Pending(ctx)
	if err != nil {
		return err
	}
	box := o.atBox
	switch found := under(all, code, o.atBox); {
	case len(found) == 1:
		// Another machine that comes to show the code meanwhile, at another box, is
		// not meant.
		box = found[0].Box
		if err := a.agree(ctx, found[0], o.yes || found[0].Decision != ""); err != nil {
			return err
		}
	case !o.yes: // what could not be shown is not approved
		return notOne(found, code)
	}
	out, err := s.Decide(ctx, code, api.SiteDecision{Decision: o.decision, Box: box})
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error {
		text := map[string]string{policy.OrderApprove: "approved: it goes on", policy.OrderDeny: "denied: it boots its disk"}[o.decision]
		_, err := fmt.Fprintf(w, "%s at %s is %s as soon as the box hears of it\n", plain(strings.Join(out.Computers, ", ")), plain(strings.Join(out.Boxes, ", ")), text)
		return err
	})
}

// under lists the machines that show a code, at any box or at a certain one.
func under(all []api.BoxPending, code, box string) (found []api.BoxPending) {
	for _, p := range all {
		if p.Code == code && (box == "" || p.Box == box) {
			found = append(found, p)
		}
	}
	return found
}

// describe is what a person looks at before he approves a machine.
func describe(p api.BoxPending) []string {
	known := "known to the site"
	if !p.Known {
		known = "NOT KNOWN to the site"
	}
	lines := []string{
		fmt.Sprintf("Code:     %s, at box %s", p.Code, p.Box),
		fmt.Sprintf("Computer: %s, %s", p.Computer, known),
		fmt.Sprintf("Machine:  %s", hardware(p.Identity)),
		fmt.Sprintf("Runs:     %s (%s)", p.Advertisement, p.Sequence),
		fmt.Sprintf("Why:      %s", p.Why),
	}
	if about := p.AboutTPM(); about != "" {
		lines = append(lines, "Shows:    "+about)
	}
	if p.Destructive {
		lines = append(lines, "ERASES:   ALL DATA on a disk of this machine")
	}
	return lines
}

// notOne says what is wrong with a code of none or of several.
func notOne(found []api.BoxPending, code string) error {
	if len(found) == 0 {
		return api.Errorf(api.CodeNotFound, code, "no machine waits under this code").WithRemedy("`bootward computer pending` shows those that wait")
	}
	return api.Errorf(api.CodeConflict, code, "machines at %s and at %s show this code", found[0].Box, found[1].Box).WithRemedy("name the box with --at-box")
}

// agree shows the machine and asks for a y, unless nobody is to be asked.
func (a *app) agree(ctx context.Context, p api.BoxPending, yes bool) error {
	if !a.json {
		if err := printLines(a.err, describe(p)); err != nil {
			return err
		}
	}
	if yes {
		return nil
	}
	line, err := a.ask(ctx, "Does the machine's screen show this code? Type y to approve: ")
	if err != nil {
		return err
	}
	if answer := strings.ToLower(line); answer != "y" && answer != "yes" {
		return api.Errorf(api.CodeRefused, "computer approve", "not approved: y was not typed").WithRemedy("type y, or give --yes")
	}
	return nil
}
