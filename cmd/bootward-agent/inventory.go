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
	var asJSON bool
	cmd := &cobra.Command{
		Use: "inventory", Short: "Print what is known of this machine", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m := hardware.Collect(os.DirFS("/"))
			out := cmd.OutOrStdout()
			if asJSON {
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
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
