package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

func newComputerRetry(a *app) *cobra.Command {
	var in api.Order
	c := &cobra.Command{Use: "retry COMPUTER...", Short: "Let failed deployments go on at the step that failed",
		Long: "A machine whose task sequence failed, in the boot image or in the installed system, shows that for 15 minutes\n" +
			"(SMSTSErrorDialogTimeout) and asks its box every ten seconds whether it may go on. This lets it, once, as far as its\n" +
			"advertisement is still offered to it and its grant was not withdrawn. The order is good for an hour, and not for a failure\n" +
			"that comes after it. In the boot image a person presses R instead.",
		Example: "  bootward computer retry ward7-pc1", Args: atLeastOne("COMPUTER"),
		RunE: func(c *cobra.Command, args []string) error {
			in.Kind, in.Computers = policy.OrderRetry, args
			return runOrder(c.Context(), a, in)
		}}
	c.Flags().StringArrayVar(&in.Boxes, "at-box", nil, "at this box only; may be given more than once")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	complete(c, "at-box", a.names(osd.KindBox))
	return c
}

func remoteRetry(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
	out, err := box.Retry(ctx, args)
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error {
		return printLines(w, []string{"may go on: " + strings.Join(out.Computers, ", ")})
	})
}
