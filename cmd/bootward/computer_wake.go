package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

func newWake(a *app) *cobra.Command {
	var in api.Order
	c := &cobra.Command{Use: "wake [COMPUTER...]", Short: "Wake computers by wake-on-LAN, now",
		Long: "The boxes that serve the computers send the packets, five computers a second, if they hear of it within ten\n" +
			"minutes. What the computers then boot is decided as ever; `bootward status timeline` shows that they were called.",
		Example: "  bootward computer wake ward7-pc1\n  bootward computer wake --collection \"Ward 7\"",
		RunE: func(c *cobra.Command, args []string) error {
			in.Kind, in.Computers = policy.OrderWake, args
			if len(args) == 0 && in.Collection == "" {
				return &usageError{errors.New("computer wake: name computers, or a collection with --collection")}
			}
			return runOrder(c.Context(), a, in)
		}}
	c.Flags().StringVar(&in.Collection, "collection", "", "every computer of this collection")
	c.Flags().StringArrayVar(&in.Boxes, "at-box", nil, "from this box only; may be given more than once")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	complete(c, "collection", a.names(osd.KindCollection))
	complete(c, "at-box", a.names(osd.KindBox))
	return c
}
