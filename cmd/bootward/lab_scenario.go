package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/lab"
)

// scenarioFlag adds --scenario to `lab run`, with the names as completion.
func scenarioFlag(c *cobra.Command, o *labOptions) {
	c.Flags().StringVar(&o.Scenario, "scenario", "", "play one situation instead; list says which there are")
	var all []cobra.Completion
	for _, s := range lab.Scenarios() {
		all = append(all, cobra.CompletionWithDesc(s.Name, s.Summary))
	}
	complete(c, "scenario", cobra.FixedCompletions(append(all, cobra.CompletionWithDesc("list", "which there are")), cobra.ShellCompDirectiveNoFileComp))
}

// targetFlags choose the machines of the ward; a scenario has its own.
var targetFlags = []string{"firmware", "nic", "boot-order"}

// runScenario plays a scenario, or lists them.
func runScenario(ctx context.Context, a *app, c *cobra.Command, o labOptions) error {
	if o.Scenario == "list" || o.Scenario == "help" {
		return printScenarios(a)
	}
	if _, err := lab.FindScenario(o.Scenario); err != nil {
		return &usageError{fmt.Errorf("lab run: --scenario: %w", err)}
	}
	for _, name := range targetFlags {
		if c.Flags().Changed(name) {
			return &usageError{fmt.Errorf("lab run: --%s does not go with --scenario: a scenario has machines of its own", name)}
		}
	}
	o.Out, o.In, o.JSON = a.out, os.Stdin, a.json
	return lab.RunScenario(ctx, o.Options)
}

// listedScenario is a scenario as --json shows it.
type listedScenario struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
}

func printScenarios(a *app) error {
	var all []listedScenario
	for _, s := range lab.Scenarios() {
		all = append(all, listedScenario{s.Name, s.Summary})
	}
	return a.print(all, func(w io.Writer) error {
		t := newTable("SCENARIO", "WHAT HAPPENS")
		for _, s := range all {
			t.row(s.Name, s.Summary)
		}
		return t.write(w)
	})
}
