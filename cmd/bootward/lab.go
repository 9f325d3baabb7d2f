package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/lab"
	"github.com/bootward/bootward/lab/machine"
)

type labOptions struct {
	lab.Options
	firmware, nic string
	since         int64
}

func newLabRun(a *app) *cobra.Command {
	var o labOptions
	c := &cobra.Command{Use: "run", Short: "Deploy a ward in emulation, from nothing",
		Long: `Starts a central site, a ward with a plain DHCP server, a box that boots its own
firmware, and targets with blank disks that boot from the network. Ends with
status 0 only if every installed system has reported from inside and its disk
is that of the image's source. With --scenario it plays one situation instead,
and ends with status 0 only if everything was as it must be. Needs root.`,
		Example: "  sudo bootward lab run --firmware uefi --nic e1000e --boot-order network-first\n  sudo bootward lab run --scenario wrong-advertisement", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("scenario") {
				return runScenario(c.Context(), a, c, o)
			}
			return runLab(c.Context(), a, o)
		}}
	o.addTo(c, "build/lab", "bootward")
	f := c.Flags()
	f.StringVar(&o.firmware, "firmware", "both", "targets: uefi, bios or both")
	f.StringVar(&o.nic, "nic", machine.VirtIO, "network card of the targets: virtio, e1000, e1000e, rtl8139 or vmxnet3")
	f.StringVar(&o.BootOrder, "boot-order", machine.DiskFirst, "targets: disk-first or network-first")
	f.BoolVar(&o.Keep, "keep", false, "keep the machines running at the end, until Ctrl-C")
	f.Int64Var(&o.since, "since", 0, "when the work began, in seconds of Unix time: also prints the time since then")
	scenarioFlag(c, &o)
	f.StringVar(&o.Attach, "attach", "", "at the end, attach to the console of this machine; Ctrl-] leaves and ends the run")
	return c
}

// addTo adds the flags that every run of the lab has.
func (o *labOptions) addTo(c *cobra.Command, dir, name string) {
	f := c.Flags()
	f.StringVar(&o.Kit, "kit", "build/kit", "the kit that firmware and boot image are assembled from")
	f.StringVar(&o.Dir, "dir", dir, "what the run leaves behind: logs, transcripts, disks")
	f.StringVar(&o.Cache, "cache", "build/cache", "what later runs use again")
	f.StringVar(&o.Ward, "ward", "examples/ward", "folder of the objects to apply")
	f.StringVar(&o.Name, "name", name, "name of the network namespace, at most 10 characters")
	f.StringVar(&o.BoxFirmware, "box-firmware", machine.UEFI, "the box boots by uefi or bios")
}

func newLabMatrix(a *app) *cobra.Command {
	var o labOptions
	c := &cobra.Command{Use: "matrix", Short: "Deploy a pairwise set of firmware, network cards and boot orders",
		Example: "  sudo bootward lab matrix", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			o.Out, o.JSON = a.out, a.json
			return lab.RunMatrix(c.Context(), o.Options)
		}}
	o.addTo(c, "build/matrix", "matrix")
	return c
}

func runLab(ctx context.Context, a *app, o labOptions) error {
	targets, err := lab.Choose(lab.Ward(), o.firmware)
	if err != nil {
		return &usageError{err}
	}
	for i := range targets {
		targets[i].NIC = o.nic
	}
	if o.since > 0 {
		o.Since = time.Unix(o.since, 0)
	}
	o.Targets, o.Out, o.In, o.JSON = targets, a.out, os.Stdin, a.json
	return lab.Run(ctx, o.Options)
}

func newLabAttach(a *app) *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "attach MACHINE", Short: "Attach to the serial console of a running machine; Ctrl-] leaves",
		Example: "  sudo bootward lab attach ward7-box", Args: exactly("MACHINE"),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] != filepath.Base(args[0]) {
				return &usageError{fmt.Errorf("lab attach: %q is no name of a machine", args[0])}
			}
			absolute, err := filepath.Abs(filepath.Join(dir, args[0]))
			if err != nil {
				return fmt.Errorf("lab attach: %w", err)
			}
			return machine.Attach(c.Context(), absolute, os.Stdin, a.out)
		}}
	c.Flags().StringVar(&dir, "dir", "build/lab", "folder of the run")
	return c
}
