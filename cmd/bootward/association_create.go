package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

type associateOptions struct {
	source, destination, inPlace string
	dryRun                       bool
}

func newAssociationCreate(a *app) *cobra.Command {
	var o associateOptions
	c := &cobra.Command{Use: "create", Short: "Say from which computer a computer gets its users' state",
		Long:    "Side by side another machine takes the place of the source; in place the machine is installed anew and keeps\nits users' state. A computer gets the state of one source.",
		Example: "  bootward association create --source ward7-pc1 --destination ward7-pc9\n  bootward association create --in-place ward7-pc2", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runAssociationCreate(c.Context(), a, o) }}
	c.Flags().StringVar(&o.source, "source", "", "the computer whose users' state is captured")
	c.Flags().StringVar(&o.destination, "destination", "", "the computer that gets it")
	c.Flags().StringVar(&o.inPlace, "in-place", "", "a computer that is both")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	c.ValidArgsFunction = cobra.NoFileCompletions
	for _, flag := range []string{"source", "destination", "in-place"} {
		complete(c, flag, a.names(osd.KindComputer))
	}
	return c
}

func runAssociationCreate(ctx context.Context, a *app, o associateOptions) error {
	two := o.source != "" && o.destination != "" && o.inPlace == ""
	if one := o.inPlace != "" && o.source == "" && o.destination == ""; one == two {
		return &usageError{errors.New("association create: give --source and --destination, or --in-place")}
	}
	if two && o.source == o.destination {
		return &usageError{errors.New("association create: source and destination are one computer; give --in-place")}
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	made := association(o.source, o.destination)
	if o.inPlace != "" {
		made = &osd.Association{Meta: osd.Meta{Name: o.inPlace + " in place"}, Source: o.inPlace}
	}
	return applyObjects(ctx, a, s, "association create", o.dryRun, made)
}
