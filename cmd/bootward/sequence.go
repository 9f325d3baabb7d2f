package main

import (
	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

// newSequence is the object of those who write task sequences. Its verbs work on files without a
// site; what is no file is a name at the site (isFile).
func newSequence(a *app) *cobra.Command {
	all := verbs(a, osd.KindTaskSequence)
	for i, c := range all {
		if c.Name() == "show" {
			all[i] = newSequenceShow(a)
		}
	}
	return group("sequence", "Task sequences: new, lint, simulate, show, diff, graph, import, export, schema, list, delete", taskObjects,
		append(all, newSequenceNew(a), newSequenceLint(a), newSequenceSimulate(a), newSequenceDiff(a), newSequenceGraph(a),
			newSequenceImport(a), newSequenceExport(a), newSequenceSchema(a))...)
}
