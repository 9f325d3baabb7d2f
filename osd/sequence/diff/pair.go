package diff

import (
	"slices"
	"strings"
)

// pair matches the nodes of both sides, the surest first: the same type and name within the same
// groups; the same type and name anywhere; then what differs in its name, if it stands in matching
// groups and has most fields alike.
func pair(left, right []*node) {
	keys := []func(n *node) string{
		func(n *node) string { return n.typ + "\x00" + n.Name() + "\x00" + strings.Join(n.within, "\x00") },
		func(n *node) string { return n.typ + "\x00" + n.Name() },
	}
	for _, key := range keys {
		open := map[string][]*node{}
		for _, n := range left {
			if n.match == nil {
				open[key(n)] = append(open[key(n)], n)
			}
		}
		for _, n := range right {
			if n.match != nil {
				continue
			}
			if same := open[key(n)]; len(same) > 0 {
				i := slices.IndexFunc(same, func(o *node) bool { return len(compareFields(o, n)) == 0 }) // of several, one that is alike
				marry(same[max(i, 0)], n)
				open[key(n)] = slices.Delete(same, max(i, 0), max(i, 0)+1)
			}
		}
	}
	renamed(left, right)
}

func marry(a, b *node) { a.match, b.match = b, a }

// renamed matches nodes whose name differs. Groups around them come first, so that theirs are matched.
func renamed(left, right []*node) {
	for _, n := range right {
		if n.match != nil {
			continue
		}
		for _, o := range left {
			if o.match == nil && o.typ == n.typ && sameParent(left, right, o, n) && alike(left, right, o, n) {
				marry(o, n)
				break
			}
		}
	}
}

func sameParent(left, right []*node, a, b *node) bool {
	if a.Parent == 0 || b.Parent == 0 {
		return a.Parent == b.Parent
	}
	return left[a.Parent-1].match == right[b.Parent-1]
}

// alike says whether two nodes of one type are the same one under another name: groups if they
// share a node, steps if most of their fields are the same.
func alike(left, right []*node, a, b *node) bool {
	if a.typ == "group" {
		return slices.ContainsFunc(left[a.Number:a.End-1], func(n *node) bool {
			return n.match != nil && n.match.Number > b.Number && n.match.Number < b.End
		})
	}
	same, all := 0, 0
	for path, v := range a.fields {
		if path != "name" && path != "description" {
			all++
			if b.fields[path] == v {
				same++
			}
		}
	}
	for path := range b.fields {
		if _, ok := a.fields[path]; !ok && path != "name" && path != "description" {
			all++
		}
	}
	return 2*same >= all && same > 0
}

// movedOf finds the nodes of the right side that were moved: into another group, or among their
// neighbours. As few as possible are called moved: those outside the longest run that kept its order.
func movedOf(left, right []*node) map[*node]bool {
	moved := map[*node]bool{}
	byParent := map[int][]*node{}
	var parents []int
	for _, n := range right {
		switch {
		case n.match == nil:
		case !sameParent(left, right, n.match, n):
			moved[n] = true
		default:
			if byParent[n.Parent] == nil {
				parents = append(parents, n.Parent)
			}
			byParent[n.Parent] = append(byParent[n.Parent], n)
		}
	}
	for _, p := range parents {
		kept := longestRun(byParent[p])
		for _, n := range byParent[p] {
			moved[n] = !kept[n]
		}
	}
	return moved
}

// longestRun is the longest subsequence of nodes whose matches stand in the same order. Sequences
// hold at most 1000 nodes: the square is affordable.
func longestRun(nodes []*node) map[*node]bool {
	length, before := make([]int, len(nodes)), make([]int, len(nodes))
	best := -1
	for i := range nodes {
		length[i], before[i] = 1, -1
		for j := range i {
			if nodes[j].match.Number < nodes[i].match.Number && length[j]+1 > length[i] {
				length[i], before[i] = length[j]+1, j
			}
		}
		if best < 0 || length[i] > length[best] {
			best = i
		}
	}
	kept := map[*node]bool{}
	for i := best; i >= 0; i = before[i] {
		kept[nodes[i]] = true
	}
	return kept
}
