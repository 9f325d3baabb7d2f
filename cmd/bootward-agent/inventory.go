package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/agent/hardware"
)

func inventoryCommand() *cobra.Command {
	var variables bool
	cmd := &cobra.Command{
		Use: "inventory", Short: "Print what is known of this machine, as JSON", Args: cobra.NoArgs,
		Long: "Print what is known of this machine, as JSON: what it says of itself to its box,\nand what `bootward sequence simulate --inventory` reads.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			m := hardware.Collect(os.DirFS("/"))
			out := cmd.OutOrStdout()
			if !variables {
				e := json.NewEncoder(out)
				e.SetIndent("", "  ")
				return e.Encode(m)
			}
			vars := m.Variables()
			for _, name := range slices.Sorted(maps.Keys(vars)) {
				fmt.Fprintf(out, "%-20s %s\n", name, vars[name])
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&variables, "variables", false, "print the task sequence variables that are made of it")
	cmd.Flags().Bool("json", true, "print JSON")
	_ = cmd.Flags().MarkHidden("json") // older releases needed it
	return cmd
}
