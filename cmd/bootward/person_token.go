package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/client"
)

type personTokenOptions struct {
	sureOptions
	out string
}

func newPersonToken(a *app) *cobra.Command {
	var o personTokenOptions
	c := &cobra.Command{Use: "token NAME", Short: "Make a new sign-in token for a person; his earlier tokens are void",
		Long:    "Make a new sign-in token for a person. His earlier tokens are void at once; certificates stay good.\nYou are asked first if he has one. Your own new token goes into your context file.",
		Example: "  bootward person token ben\n  bootward person token ben --context-out ben.yaml", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runPersonToken(c.Context(), a, o, args[0]) }}
	c.Flags().StringVar(&o.out, "context-out", "", "write a context file for that person, with the token, instead of printing it")
	o.flags(c)
	c.ValidArgsFunction = a.names(osd.KindPerson)
	return c
}

func runPersonToken(ctx context.Context, a *app, o personTokenOptions, name string) error {
	file, err := a.contextPath()
	if err != nil {
		return err
	}
	own, err := client.LoadContext(file)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := mustBeNew(o.out); err != nil {
			return err
		}
	}
	s, err := client.New(own)
	if err != nil {
		return err
	}
	me, err := s.WhoAmI(ctx)
	if err != nil {
		return err
	}
	if err := a.sureOfToken(ctx, o.sureOptions, s, name); err != nil {
		return err
	}
	t, err := s.SignInToken(ctx, name)
	if err != nil {
		return named(err, osd.KindPerson, name)
	}
	note, err := keepToken(own, file, o.out, me, t)
	if err != nil {
		// The earlier token is void: this one must not be lost.
		return errors.Join(err, fmt.Errorf("the new token of %s is %s", t.Person, t.Token))
	}
	return a.print(t, func(w io.Writer) error {
		if o.out == "" {
			if _, err := fmt.Fprintf(w, "%s\n", t.Token); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(a.err, "%s Earlier tokens of %s are void.\n", note, t.Person)
		return err
	})
}

// sureOfToken asks before a token that somebody signs in with becomes void.
func (a *app) sureOfToken(ctx context.Context, o sureOptions, s *client.Client, name string) error {
	all, err := s.Credentials(ctx, name)
	if err != nil {
		return named(err, osd.KindPerson, name)
	}
	all.Credentials = slices.DeleteFunc(all.Credentials, func(c api.Credential) bool { return c.Kind != "token" })
	if len(all.Credentials) == 0 {
		return nil
	}
	return a.sure(ctx, o, "person token", func(w io.Writer) error {
		if _, err := fmt.Fprintf(w, "The token of %s becomes void:\n", plain(all.Person)); err != nil {
			return err
		}
		return printCredentials(w, all)
	})
}

// keepToken writes the context file of that person, and one's own if one has a
// token in it that is void now.
func keepToken(own *client.Context, file, out string, me api.Person, t api.SignInToken) (note string, err error) {
	c := *own
	c.Administrator, c.Token = t.Person, t.Token
	if out != "" {
		his := c
		his.Certificate = ""
		if err := his.Save(out); err != nil {
			return "", err
		}
		note = fmt.Sprintf("The token is in %s.", out)
	} else {
		note = "Shown only now."
	}
	if me.Name != t.Person || own.Token == "" {
		return note, nil
	}
	return note + fmt.Sprintf(" It is in %s too.", file), c.Save(file)
}
