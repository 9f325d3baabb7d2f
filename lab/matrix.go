package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bootward/bootward/lab/machine"
)

// Matrix is the rows of firmware × network card × boot order, such that every
// pair of values stands in a row at least once.
func Matrix() []Target {
	var rows []Target
	nics := []string{machine.VirtIO, machine.E1000, machine.E1000E, machine.RTL8139, machine.VMXNET3}
	buses := []string{machine.VirtIO, machine.AHCI, machine.NVMe}
	for i, nic := range nics {
		for j, firmware := range []string{machine.BIOS, machine.UEFI} {
			order := machine.DiskFirst
			if (i+j)%2 == 1 {
				order = machine.NetworkFirst
			}
			n := len(rows)
			rows = append(rows, Target{
				Name: fmt.Sprintf("matrix-%02d", n), MAC: fmt.Sprintf("52:54:00:77:01:%02x", n),
				Firmware: firmware, NIC: nic, BootOrder: order, Bus: buses[n%len(buses)],
			})
		}
	}
	return rows
}

// RunMatrix deploys every row at one box and prints a table of what became of
// it. A row that fails does not keep the others from being tried.
func RunMatrix(ctx context.Context, o Options) (err error) {
	o.Targets = Matrix()
	l, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, step := range []func(context.Context) error{l.Image, l.Site, l.applyMatrix, l.BuildFirmware, l.StartBox} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if _, err := l.WaitBox(ctx); err != nil {
		return err
	}
	var results []string
	passed := 0
	for _, t := range l.options.Targets {
		took, err := l.matrixRow(ctx, t)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		word := "deployed"
		if err != nil {
			word = "FAILED: " + strings.ReplaceAll(err.Error(), "\n", " ")
		} else {
			passed++
		}
		results = append(results, fmt.Sprintf("| %s | %s | %s | %s | %.0f | %s |", t.Firmware, t.NIC, t.Bus, t.BootOrder, took.Seconds(), word))
	}
	l.show.Done(nil)
	printMatrix(o.Out, results)
	if passed < len(results) {
		return fmt.Errorf("matrix: %d of %d rows deployed", passed, len(results))
	}
	return nil
}

func printMatrix(w io.Writer, rows []string) {
	fmt.Fprintln(w, "\n| firmware | network card | disk | boot order | power-on to report from inside, s | result |\n|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Fprintln(w, r)
	}
}

func (l *Lab) matrixRow(ctx context.Context, t Target) (time.Duration, error) {
	d, err := l.Deploy(ctx, t)
	if err != nil {
		return 0, err
	}
	return d.Took, l.Verify(ctx, d)
}

// matrixWard is the computers of the rows, which stand beside the objects of the
// ward.
func matrixWard(targets []Target) string {
	var b strings.Builder
	var names []string
	for _, t := range targets {
		fmt.Fprintf(&b, "kind: Computer\nname: %s\nmacs: [%s]\nbox: %s\n---\n", t.Name, t.MAC, boxName)
		names = append(names, t.Name)
	}
	fmt.Fprintf(&b, "kind: Collection\nname: Matrix\nmembers: [%s]\n---\n", strings.Join(names, ", "))
	fmt.Fprintf(&b, "kind: Advertisement\nname: Matrix gets Debian 12\ncollection: Matrix\nsequence: Ward PC, Debian 12\nmandatory: [asSoonAsPossible]\nconfirmedMachines: %d\n", len(names))
	return b.String()
}

func (l *Lab) applyMatrix(ctx context.Context) error {
	_, err := l.Apply(ctx, "matrix.yaml", matrixWard(l.options.Targets))
	return err
}
