package main

import (
	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

// newSequence is the object of those who write task sequences.
func newSequence(a *app) *cobra.Command {
	all := verbs(a, osd.KindTaskSequence)
	for i, c := range all {
		if c.Name() == "show" {
			all[i] = newSequenceShow(a)
		}
	}
	return group("sequence", "Task sequences: new, lint, list, show, delete", taskObjects,
		append(all, newSequenceNew(a), newSequenceLint(a), newSequenceDiff(a), newSequenceGraph(a), newSequenceImport(a), newSequenceExport(a), newSequenceSimulate(a))...)
}
