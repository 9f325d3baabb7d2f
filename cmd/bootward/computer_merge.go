package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

func newComputerMerge(a *app) *cobra.Command {
	var in api.Merge
	var sure sureOptions
	c := &cobra.Command{Use: "merge FROM --into TO", Short: "Make one computer of two records of the same machine",
		Long: "Labels, variables that TO lacks, direct memberships and associations of FROM go over to TO; then FROM is deleted.\n" +
			"What boxes remember of FROM counts for TO, so that nothing runs twice; grants of FROM are void.\n" +
			"Refused where it looks like two machines: different SMBIOS GUIDs, grants of both, two boxes. --force does it all the same.\n" +
			"The plan is shown before you are asked.",
		Example: "  bootward computer merge w12-bed7 --into ward7-pc7", Args: exactly("FROM"),
		RunE: func(c *cobra.Command, args []string) error {
			return runComputerMerge(c.Context(), a, sure, args[0], in)
		}}
	c.Flags().StringVar(&in.Into, "into", "", "the computer that stays")
	c.Flags().BoolVar(&in.DryRun, "dry-run", false, "show what would change, and change nothing")
	c.Flags().BoolVar(&in.Force, "force", false, "merge although it looks like two machines")
	sure.flags(c)
	c.ValidArgsFunction = a.names(osd.KindComputer)
	complete(c, "into", a.names(osd.KindComputer))
	return c
}

func runComputerMerge(ctx context.Context, a *app, o sureOptions, from string, in api.Merge) error {
	if in.Into == "" {
		return &usageError{fmt.Errorf("computer merge: name the computer that stays with --into NAME")}
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	o.yes = o.yes || in.DryRun // it changes nothing
	err = a.sure(ctx, o, "computer merge", func(w io.Writer) error {
		try := in
		try.DryRun = true
		plan, err := s.Merge(ctx, from, try)
		if err != nil {
			return err
		}
		return printChanges(w, plan.Changes)
	})
	if err != nil {
		return err
	}
	out, err := s.Merge(ctx, from, in)
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error { return printApplied(w, out) })
}

func newComputerReplace(a *app) *cobra.Command {
	var in api.Replace
	c := &cobra.Command{Use: "replace NAME", Short: "Give a computer the labels of a new network card or motherboard",
		Long: "New addresses go in place of all that the computer has, or of those that --old-mac names. Labels of other computers\n" +
			"are refused. Grants hold the labels of the day they were issued: grant again what is to erase the machine.\n" +
			"--guid none takes the GUID away. One that a maker gave to many machines is better listed in sharedGUIDs of the site.\n" +
			"A new GUID and --tpm none forget the TPM: the next one is learnt when a person approves the machine by its code.",
		Example: "  bootward computer replace ward7-pc1 --mac 52:54:00:77:00:21 --old-mac 52:54:00:77:00:11\n" +
			"  bootward computer replace ward7-pc1 --mac 52:54:00:77:00:21 --guid 4c4c4544-0042-3510-8052-b4c04f4d3232",
		Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runComputerReplace(c.Context(), a, args[0], in) }}
	c.Flags().StringSliceVar(&in.MACs, "mac", nil, "new addresses")
	c.Flags().StringSliceVar(&in.OldMACs, "old-mac", nil, "the addresses that go; all when left out")
	c.Flags().StringVar(&in.SMBIOSGUID, "guid", "", "new SMBIOS GUID, or none")
	c.Flags().StringVar(&in.TPM, "tpm", "", "digest of the new TPM's endorsement key, or none")
	c.Flags().BoolVar(&in.DryRun, "dry-run", false, "show what would change, and change nothing")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	complete(c, "guid", words(api.NoGUID))
	complete(c, "tpm", words(api.NoTPM))
	return c
}

func runComputerReplace(ctx context.Context, a *app, name string, in api.Replace) error {
	if len(in.MACs) == 0 && in.SMBIOSGUID == "" && in.TPM == "" {
		return &usageError{fmt.Errorf("computer replace: give the new labels with --mac, --guid or --tpm")}
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	out, err := s.Replace(ctx, name, in)
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error { return printApplied(w, out) })
}
