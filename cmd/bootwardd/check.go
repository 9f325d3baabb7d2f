package main

import (
	"fmt"
	"os"

	"github.com/bootward/bootward/appliance"
	"github.com/spf13/cobra"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: "Check a configuration and list the services that it means",
		Example: "  bootwardd check /etc/bootward/box.yaml",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			config, err := load(args[0])
			if err != nil {
				return err
			}
			for _, s := range appliance.Plan(config, []string{"(each Ethernet interface)"}) {
				if _, err := fmt.Fprintln(c.OutOrStdout(), s.Name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// load reads a configuration file.
func load(path string) (appliance.Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return appliance.Config{}, err
	}
	defer f.Close()
	c, err := appliance.Parse(f)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
