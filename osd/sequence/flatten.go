package sequence

// Line is one node of a flattened sequence.
type Line struct {
	// Number is the running number of the node from 1: "Last Step" of
	// reports.
	Number int
	Node   Node
	// Parent is the number of the group that holds the node, 0 for the
	// sequence itself.
	Parent int
	// End is the number of the first node behind this one and all that it
	// holds.
	End int
}

// Name is the name of the group or the step.
func (l Line) Name() string {
	if l.Node.Group != nil {
		return l.Node.Group.Name
	}
	return Title(l.Node.Step)
}

// Flatten numbers the nodes from 1, groups before what they hold: the
// instruction table. Element i has number i+1.
func (s *Sequence) Flatten() []Line { return flatten(nil, s.Steps, 0) }

func flatten(lines []Line, nodes []Node, parent int) []Line {
	for _, n := range nodes {
		number := len(lines) + 1
		lines = append(lines, Line{Number: number, Node: n, Parent: parent})
		if n.Group != nil {
			lines = flatten(lines, n.Group.Steps, number)
		}
		lines[number-1].End = len(lines) + 1
	}
	return lines
}
