package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd/sequence/graph"
)

func newSequenceGraph(a *app) *cobra.Command {
	var output string
	var force bool
	c := &cobra.Command{Use: "graph FILE|NAME", Short: "Draw a task sequence as SVG",
		Long: "Draw a task sequence as SVG, which browsers show: groups as boxes, conditions where the way forks, restarts as\n" +
			"breaks, what erases marked, what is disabled grey. What is a file, and what a name at the site, is decided as in show.",
		Example: "  bootward sequence graph ward.yaml -o ward.svg", Args: exactly("FILE|NAME"), ValidArgsFunction: a.sequences,
		RunE: func(c *cobra.Command, args []string) error {
			return runSequenceGraph(c.Context(), a, output, force, args[0])
		}}
	c.Flags().StringVarP(&output, "output", "o", "", "file to write (default the output)")
	c.Flags().BoolVar(&force, "force", false, "replace the file if it is there")
	return c
}

func runSequenceGraph(ctx context.Context, a *app, output string, force bool, arg string) error {
	s, _, err := a.sequence(ctx, arg)
	if err != nil {
		return err
	}
	svg := graph.SVG(s)
	if a.json {
		return a.print(map[string]string{"svg": string(svg)}, nil)
	}
	return a.written(output, force, svg, fmt.Sprintf("%d groups and steps", len(s.Flatten())))
}
