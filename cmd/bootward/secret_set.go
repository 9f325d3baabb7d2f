package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

func newSecretSet(a *app) *cobra.Command {
	var o valueOptions
	c := &cobra.Command{Use: "set NAME", Short: "Give a secret a new value",
		Long: "Give a secret a new value. The object comes first: apply `{kind: Secret, name: NAME}`. The value is asked for, twice and\n" +
			"without echo, or read from a file or from standard input; it is never an argument. The site keeps it sealed and shows\n" +
			"it to nobody: who has lost it sets another.",
		Example: "  bootward secret set join-password\n  bootward secret set join-password --file password.txt\n  pass show ward/join | bootward secret set join-password", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runSecretSet(c.Context(), a, o, args[0]) }}
	o.flags(c)
	c.ValidArgsFunction = a.names(osd.KindSecret)
	return c
}

func runSecretSet(ctx context.Context, a *app, o valueOptions, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	value, err := a.value(ctx, o, fmt.Sprintf("Value of secret %q", name))
	if err != nil {
		return err
	}
	err = s.SetSecret(ctx, name, value)
	var e *api.Error
	if errors.As(err, &e) && e.Code == api.CodeNotFound {
		return api.Errorf(e.Code, fmt.Sprintf("%s %q", osd.KindSecret, name), "there is none of this name").WithRemedy("apply it first: a document with `kind: Secret` and `name: %s`", name)
	}
	if err != nil {
		return err
	}
	return a.done(name, "Secret %q has a new value. Boxes whose task sequences use it get it with their policy.", name)
}

// done says that something was set.
func (a *app) done(name, format string, args ...any) error {
	return a.print(map[string]string{"set": name}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		return err
	})
}
