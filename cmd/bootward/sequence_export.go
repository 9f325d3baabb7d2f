package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd/sequence/tsxml"
)

func newSequenceExport(a *app) *cobra.Command {
	var output string
	var force bool
	c := &cobra.Command{Use: "export NAME|FILE", Short: "Write a task sequence of the site or of a file as XML",
		Long: "Write a task sequence as XML, as Configuration Manager exports it. What was imported and not changed comes out as it\n" +
			"came in. What is a file, and what a name at the site, is decided as in show.",
		Example: "  bootward sequence export \"Ward PC, Debian 12\" -o ward.xml\n  bootward sequence export ward.yaml >ward.xml", Args: exactly("NAME|FILE"),
		ValidArgsFunction: a.sequences,
		RunE: func(c *cobra.Command, args []string) error {
			return runSequenceExport(c.Context(), a, output, force, args[0])
		}}
	c.Flags().StringVarP(&output, "output", "o", "", "file to write (default the output)")
	c.Flags().BoolVar(&force, "force", false, "replace the file if it is there")
	return c
}

func runSequenceExport(ctx context.Context, a *app, output string, force bool, arg string) error {
	s, _, err := a.sequence(ctx, arg)
	if err != nil {
		return err
	}
	b, err := tsxml.Export(s)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if a.json {
		return a.print(map[string]string{"xml": string(b)}, nil)
	}
	return a.written(output, force, b, fmt.Sprintf("%d groups and steps", len(s.Flatten())))
}
