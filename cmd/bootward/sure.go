package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
)

// sureOptions are of verbs that destroy or revoke something.
type sureOptions struct{ yes bool }

func (o *sureOptions) flags(c *cobra.Command) {
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
}

// sure shows what a verb will do and goes on when a person has typed yes, or when
// nobody is to be asked. What show finds out may refuse it before that.
func (a *app) sure(ctx context.Context, o sureOptions, verb string, show func(w io.Writer) error) error {
	switch {
	case o.yes:
		return nil
	case a.json:
		return &usageError{fmt.Errorf("%s: nobody can be asked with --json: give --yes", verb)}
	}
	if err := show(a.err); err != nil {
		return err
	}
	if !interactive(a.in) {
		return api.Errorf(api.CodeRefused, verb, "nothing was done: it asks first, and standard input is no terminal").WithRemedy("if that is what you want: --yes")
	}
	line, err := a.ask(ctx, "Go on? Type yes: ")
	if err != nil {
		return err
	}
	if !strings.EqualFold(line, "yes") {
		return api.Errorf(api.CodeRefused, verb, "nothing was done: yes was not typed").WithRemedy("type yes, or give --yes")
	}
	return nil
}
