package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

func newPersonPIN(a *app) *cobra.Command {
	var o valueOptions
	c := &cobra.Command{Use: "pin NAME", Short: "Give a person a new PIN, with which he signs in at boxes",
		Long: "Give a person a new PIN: 6 to 12 digits, neither all the same nor a run such as 123456. It is asked for, twice and without\n" +
			"echo. Boxes at which he may do something get a verifier of it with their policy, and know it while their line is cut.",
		Example: "  bootward person pin tom", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runPersonPIN(c.Context(), a, o, args[0]) }}
	o.flags(c)
	c.ValidArgsFunction = a.names(osd.KindPerson)
	return c
}

func runPersonPIN(ctx context.Context, a *app, o valueOptions, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	pin, err := a.value(ctx, o, fmt.Sprintf("PIN of %q", name))
	if err != nil {
		return err
	}
	if err := s.SetPIN(ctx, name, pin); err != nil {
		return named(err, osd.KindPerson, name)
	}
	return a.done(name, "Person %q has a new PIN. Boxes get it with their policy.", name)
}
