package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd/sequence/schema"
)

func newSequenceSchema(a *app) *cobra.Command {
	var output string
	var force bool
	c := &cobra.Command{Use: "schema", Short: "Print a JSON Schema of the YAML, by which editors complete and check it",
		Long: "Print a JSON Schema (draft 2020-12) of task sequences in YAML. Editors complete, explain and check by it; lint knows\n" +
			"more. docs/sequences.md says how an editor is told of it.",
		Example: "  bootward sequence schema -o task-sequence.schema.json", Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			b, err := schema.JSON()
			if err != nil {
				return err
			}
			if a.json { // it is JSON
				return a.print(json.RawMessage(b), nil)
			}
			return a.written(output, force, append(b, '\n'), "# yaml-language-server: $schema="+output+" goes on top of a sequence")
		}}
	c.Flags().StringVarP(&output, "output", "o", "", "file to write (default the output)")
	c.Flags().BoolVar(&force, "force", false, "replace the file if it is there")
	c.ValidArgsFunction = cobra.NoFileCompletions
	return c
}
