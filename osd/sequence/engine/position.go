package engine

import (
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// Position follows an engine by the messages that it reports: given the number
// of the node at which the sequence stood, it is the number of the node at which
// it stands behind the message; len(lines)+1 when there is none left. It only
// grows. A message about a node at which the sequence does not stand moves
// nothing, whoever sent it.
//
// A step that SMSTSRetryRequested runs again behind a restart counts as done.
func Position(lines []sequence.Line, at int, m status.Message) int {
	if m.Step < 1 || m.Step > len(lines) || at < 1 || at > len(lines) {
		return at
	}
	node := lines[m.Step-1]
	here := m.Step == at
	switch {
	case m.ID == status.GroupStarted && here && node.Node.Group != nil:
		return at + 1
	case m.ID == status.ActionCompleted && here && node.Node.Step != nil,
		(m.ID == status.ActionSkipped || m.ID == status.ActionDisabled) && here,
		m.ID == status.FailureIgnored && m.Step <= at && at < node.End:
		return node.End
	}
	return at
}
