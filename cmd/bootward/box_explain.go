package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/trace"
	"github.com/bootward/bootward/site/client"
)

// firmwareWords are the kinds of firmware, as the box names them (docs/formats/status.md).
var firmwareWords = []string{"bios-pxe", "bios-ipxe", "uefi-x64-pxe", "uefi-x64-http", "uefi-x64-ipxe", "uefi-ia32", "uefi-arm64-pxe", "uefi-arm64-http", "uefi-arm64-ipxe"}

func newBoxExplain(a *app) *cobra.Command {
	c := &cobra.Command{Use: "explain MAC", Short: "What a machine that boots from the network would be sent, and why, from policy to packet",
		Long: "With --box, which goes before the verb, the box itself says it: what policy and history decide, and the packet that\n" +
			"each kind of firmware gets, as it would be sent now. The site knows policy only, and says what else counts.\nNothing is changed.",
		Example: "  bootward --box 192.0.2.17 --as bob box explain 52:54:00:77:00:11\n  bootward --box 192.0.2.17 --as bob box explain 52:54:00:77:00:11 --firmware uefi-x64-http\n  bootward box explain 52:54:00:77:00:11",
		Args:    exactly("MAC"), RunE: func(c *cobra.Command, args []string) error { return runBoxExplain(c.Context(), a, args[0]) }}
	c.Flags().StringVar(&a.boot.firmware, "firmware", "", "kind of firmware, with --box (default the one that the machine showed last, else all)")
	complete(c, "firmware", words(firmwareWords...))
	c.ValidArgsFunction = a.macs
	return c
}

// bootOptions are the flags of explain, which mean the same at a box.
type bootOptions struct{ firmware string }

func remoteExplain(ctx context.Context, a *app, box *boxclient.Client, args []string) error {
	x, err := box.Explain(ctx, args[0], a.boot.firmware)
	if err != nil {
		return err
	}
	return a.print(x, func(w io.Writer) error { return printBoot(w, x) })
}

// printBoot prints one answer in full, several as a table.
func printBoot(w io.Writer, x api.BootExplanation) error {
	head := fmt.Sprintf("%s by %s (%s)", x.Client, x.Interface, x.Mode)
	if x.Firmware == "" {
		head += "; this box has not seen its firmware"
	}
	if len(x.Answers) == 1 {
		return printLines(w, append([]string{head}, x.Answers[0].Lines()...))
	}
	if err := printLines(w, []string{head}); err != nil {
		return err
	}
	t := newTable("FIRMWARE", "POLICY", "IMAGE", "SENDS")
	for _, b := range x.Answers {
		t.row(b.Firmware, b.Action, b.BootImage, b.Brief())
	}
	return t.write(w)
}

// siteBoot is what the site can say of a boot.
type siteBoot struct {
	Client   string `json:"client"`
	Computer string `json:"computer,omitempty"` // empty: none that one may see has this MAC
	// Firmware is what the machine showed some box last.
	Firmware string              `json:"firmware,omitempty"`
	Policy   *policy.Explanation `json:"policy,omitempty"`
	NotKnown []string            `json:"notKnown"`
}

// beyondSite is what decides at the box and is not known at the site.
var beyondSite = []string{
	"whether the boot image is complete on the box, and in which form this firmware takes it",
	"whether the wipe interlock has stopped the box, or nobody came to the machine's screen of late",
	"what the box's interfaces are set to, and what other servers answer on the segment",
}

func runBoxExplain(ctx context.Context, a *app, typed string) error {
	if a.boot.firmware != "" {
		return &usageError{fmt.Errorf("box explain: --firmware goes with --box ADDRESS, which stands before the verb: the site does not make packets")}
	}
	mac, err := normalMAC(typed)
	if err != nil {
		return err
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	events, err := s.Flight(ctx, mac)
	if err != nil {
		return err
	}
	x := siteBoot{Client: mac, Firmware: trace.Firmware(events), NotKnown: beyondSite}
	if x.Computer, err = computerOf(ctx, s, mac); err != nil {
		return err
	}
	if x.Computer != "" {
		e, err := s.Explain(ctx, x.Computer, "", "", osd.ToBootMediaAndPXE, "")
		if err != nil {
			return err
		}
		x.Policy = &e
	}
	return a.print(x, func(w io.Writer) error { return printSiteBoot(w, x) })
}

// computerOf finds the computer that has a MAC.
func computerOf(ctx context.Context, s *client.Client, mac string) (string, error) {
	all, err := listComputers(ctx, s)
	if err != nil {
		return "", err
	}
	for _, c := range all {
		if slices.ContainsFunc(c.MACs, func(m string) bool { n, err := osd.NormalizeMAC(m); return err == nil && n == mac }) {
			return c.Name, nil
		}
	}
	return "", nil
}

func printSiteBoot(w io.Writer, x siteBoot) error {
	lines := []string{x.Client}
	if x.Firmware != "" {
		lines[0] += ", seen last as " + x.Firmware
	}
	if x.Policy == nil {
		lines = append(lines, "  no computer that you may see has this MAC: a box treats it as unknown, and offers what is for "+osd.UnknownComputers+" if its policy says so (pxe.unknownComputers)")
	}
	if err := printLines(w, lines); err != nil {
		return err
	}
	if x.Policy != nil {
		if err := printExplanation(w, *x.Policy, false); err != nil {
			return err
		}
	}
	lines = []string{"", "The site does not know:"}
	for _, n := range x.NotKnown {
		lines = append(lines, "  "+n)
	}
	return printLines(w, append(lines, "Ask the box: bootward --box ADDRESS --as NAME box explain "+x.Client))
}
