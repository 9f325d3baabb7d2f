package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/simulate"
	"github.com/bootward/bootward/osd/status"
	"github.com/spf13/cobra"
)

type simulateOptions struct {
	inventory, facts, stage string
	variables, fail         []string
}

// The values of --stage, as restartComputer names where it goes.
const (
	inBootImage       = "bootImage"
	inInstalledSystem = "installedSystem"
)

func newSequenceSimulate(a *app) *cobra.Command {
	var o simulateOptions
	c := &cobra.Command{Use: "simulate FILE|NAME --inventory FILE", Short: "Walk a task sequence against a machine's facts: which steps would run, and why",
		Long: "Walk a task sequence against what is known of a machine, and print each step that it would run or skip, and why.\n" +
			"Nothing is executed. The inventory is what `bootward-agent inventory --json` wrote on a machine. What only the\n" +
			"machine can tell is unknown; conditions that hang on it are warned of. Variables of collections and of the\n" +
			"computer are given by --variable, and so are the outputs of commands, to try them.\n\n" +
			"--facts names a YAML file with what an inventory does not say of the installed system:\n\n" +
			"  operatingSystem: {id: debian, version: \"11\"}\n" +
			"  software: {samba: \"2:4.17.12\"}\n" +
			"  files: {/etc/old: 2026-01-31T12:00:00Z}\n" +
			"  folders: {/srv: \"\"}\n" +
			"  applied: {operatingSystem: {id: debian, version: \"12\"}}   # the system that the sequence puts there\n\n" +
			"Exit codes: 0 the sequence would succeed, 1 it would fail.",
		Example: "  bootward sequence simulate ward.yaml --inventory pc1.json --variable Ward=7\n" +
			"  bootward sequence simulate ward.yaml --inventory pc1.json --fail \"Apply Network Settings\"",
		Args: exactly("FILE|NAME"), ValidArgsFunction: a.sequences,
		RunE: func(c *cobra.Command, args []string) error { return runSequenceSimulate(c.Context(), a, o, args[0]) }}
	c.Flags().StringVar(&o.inventory, "inventory", "", "the machine, as bootward-agent inventory --json wrote it; - for standard input")
	c.Flags().StringVar(&o.facts, "facts", "", "YAML file with operating system, software, files and folders")
	c.Flags().StringArrayVar(&o.variables, "variable", nil, "a variable, NAME=VALUE; may be given more than once")
	c.Flags().StringArrayVar(&o.fail, "fail", nil, "a step that fails, by its number or name; may be given more than once")
	c.Flags().StringVar(&o.stage, "stage", inBootImage, "where it begins: bootImage or installedSystem")
	complete(c, "stage", words(inBootImage, inInstalledSystem))
	return c
}

func runSequenceSimulate(ctx context.Context, a *app, o simulateOptions, arg string) error {
	r, err := o.run(a)
	if err != nil {
		return err
	}
	s, find, err := a.sequence(ctx, arg)
	if err != nil {
		return err
	}
	if r.Sequence, err = sequence.Inline(s, find); err != nil {
		return err
	}
	report, err := simulate.Simulate(ctx, r)
	if err != nil {
		return err
	}
	if err := a.print(report, func(w io.Writer) error { return printReport(w, r, report) }); err != nil {
		return err
	}
	if !report.Succeeded {
		return exitCode(exitFailed)
	}
	return nil
}

// run reads what the options name.
func (o simulateOptions) run(a *app) (simulate.Run, error) {
	r := simulate.Run{Variables: map[string]string{}, Fail: o.fail, Stage: map[string]string{inBootImage: status.StageBootImage, inInstalledSystem: status.StageInstalledSystem}[o.stage]}
	if o.inventory == "" {
		return r, &usageError{errors.New("simulate: give --inventory FILE, as `bootward-agent inventory --json` writes it on a machine")}
	}
	if r.Stage == "" {
		return r, &usageError{fmt.Errorf("simulate: --stage is %q; give %s or %s", o.stage, inBootImage, inInstalledSystem)}
	}
	for _, v := range o.variables {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return r, &usageError{fmt.Errorf("simulate: --variable %q; give NAME=VALUE", v)}
		}
		r.Variables[name] = value
	}
	b, err := a.readBounded(o.inventory)
	if err != nil {
		return r, fmt.Errorf("simulate: inventory: %w", err)
	}
	if r.Machine, err = simulate.ParseInventory(b); err != nil {
		return r, fmt.Errorf("%s: %w", o.inventory, err)
	}
	if o.facts == "" {
		return r, nil
	}
	if b, err = a.readBounded(o.facts); err != nil {
		return r, fmt.Errorf("simulate: facts: %w", err)
	}
	if r.Machine.Facts, err = simulate.ParseFacts(b); err != nil {
		return r, fmt.Errorf("%s:%w", o.facts, err)
	}
	return r, nil
}

// readBounded reads a file, or standard input for -, that is no larger than a document.
func (a *app) readBounded(path string) ([]byte, error) {
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, document.MaxBytes+1))
	if err == nil && len(b) > document.MaxBytes {
		err = fmt.Errorf("%s: has more than %s", path, bytesText(document.MaxBytes))
	}
	return b, err
}
