package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/client"
)

type addOptions struct {
	computer  osd.Computer
	replaces  string
	noReplace bool
	ask       bool // somebody is there to be asked
	dryRun    bool
}

func newComputerAdd(a *app) *cobra.Command {
	var o addOptions
	c := &cobra.Command{Use: "add NAME", Short: "Add one computer, and say whose place it takes",
		Long: "Add one computer by its addresses, its SMBIOS GUID, or both. On a terminal you are asked whether it takes the place\n" +
			"of another one: then a computer association lets it get that one's user state.",
		Example: "  bootward computer add ward7-pc9 --mac 52:54:00:77:00:19 --replaces ward7-pc1\n  bootward computer add ward7-pc10 --guid 4c4c4544-0042-3510-8052-b4c04f4d3232 --no-replace",
		Args:    exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			o.computer.Name, o.ask = args[0], interactive(a.in)
			return runComputerAdd(c.Context(), a, o)
		}}
	c.Flags().StringSliceVar(&o.computer.MACs, "mac", nil, "addresses of the machine")
	c.Flags().StringVar(&o.computer.SMBIOSGUID, "guid", "", "its SMBIOS GUID")
	c.Flags().StringVar(&o.computer.Box, "box", "", "the box that serves it")
	c.Flags().StringVar(&o.computer.Comment, "comment", "", "for people")
	c.Flags().StringVar(&o.replaces, "replaces", "", "the computer whose place it takes")
	c.Flags().BoolVar(&o.noReplace, "no-replace", false, "it takes nobody's place; do not ask")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	c.ValidArgsFunction = cobra.NoFileCompletions
	complete(c, "box", a.names(osd.KindBox))
	complete(c, "replaces", a.names(osd.KindComputer))
	return c
}

func runComputerAdd(ctx context.Context, a *app, o addOptions) error {
	if len(o.computer.MACs) == 0 && o.computer.SMBIOSGUID == "" {
		return &usageError{errors.New("computer add: give --mac, --guid, or both")}
	}
	if o.replaces != "" && o.noReplace {
		return &usageError{errors.New("computer add: --replaces and --no-replace speak against each other")}
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	name := o.computer.Name
	if err := absent(ctx, s, name); err != nil {
		return err
	}
	if o.replaces == "" && !o.noReplace && o.ask {
		if o.replaces, err = a.ask(ctx, "Does it take the place of another computer? Name, or nothing: "); err != nil {
			return err
		}
	}
	objects := []osd.Object{&o.computer}
	if o.replaces != "" {
		raw, err := s.Get(ctx, string(osd.KindComputer), o.replaces)
		if err != nil {
			return named(err, osd.KindComputer, o.replaces)
		}
		var old osd.Meta
		if err := json.Unmarshal(raw, &old); err != nil {
			return err
		}
		objects = append(objects, association(old.Name, name))
	}
	return applyObjects(ctx, a, s, "computer add", o.dryRun, objects...)
}

// absent refuses a computer that is there: add changes nothing.
func absent(ctx context.Context, s *client.Client, name string) error {
	_, err := s.Get(ctx, string(osd.KindComputer), name)
	var e *api.Error
	switch {
	case err == nil:
		return api.Errorf(api.CodeConflict, fmt.Sprintf("Computer %q", name), "it is there already").
			WithRemedy("new labels after a repair: bootward computer replace; anything else: bootward apply")
	case errors.As(err, &e) && e.Code == api.CodeNotFound:
		return nil
	}
	return err
}

// interactive says whether somebody can be asked.
func interactive(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// association says that a computer takes the place of another one.
func association(source, destination string) *osd.Association {
	return &osd.Association{Meta: osd.Meta{Name: source + " to " + destination}, Source: source, Destination: destination}
}

// applyObjects puts objects in place in one call, and prints what it did.
func applyObjects(ctx context.Context, a *app, s *client.Client, verb string, dryRun bool, objects ...osd.Object) error {
	var text bytes.Buffer
	for _, o := range objects {
		raw, err := json.Marshal(o)
		if err != nil {
			return err
		}
		text.WriteString("---\n")
		if err := writeYAML(&text, o.ObjectKind(), raw); err != nil {
			return err
		}
	}
	out, err := s.Apply(ctx, api.Apply{Documents: []api.Document{{File: verb, YAML: text.String()}}, DryRun: dryRun})
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error { return printApplied(w, out) })
}
