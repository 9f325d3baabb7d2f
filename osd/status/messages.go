package status

import (
	"cmp"
	"strconv"
)

// MessagesTable lists messages in their order.
func MessagesTable(messages []Message) Table {
	t := Table{Columns: []Column{{Head: "TIME", Least: 10}, {Head: "COMPUTER", Least: 12}, {Head: "NO.", Right: true, Wide: true}, {Head: "STEP", Right: true}, {Head: "ID", Right: true},
		{Head: "MESSAGE", Least: 13}, {Head: "ACTION", Least: 8}, {Head: "GROUP", Least: 10, Wide: true}, {Head: "EXIT", Right: true}, {Head: "JOB", Least: 8, Wide: true}}}
	for _, m := range messages {
		t.Rows = append(t.Rows, MessageRow(m))
	}
	return t
}

// MessageRow is a row of MessagesTable.
func MessageRow(m Message) []string {
	return []string{Stamp(m.Time), m.Computer, strconv.FormatUint(m.Number, 10), number(m.Step), strconv.Itoa(int(m.ID)), m.ID.Brief(),
		m.Action, m.Group, strconv.Itoa(m.ExitCode), m.Job}
}

// Filter selects messages; fields that are left empty select all.
type Filter struct {
	Computer, Advertisement, Job string
	// Failures selects those with an exit code that is not 0.
	Failures bool
	IDs      []MessageID
}

// Takes says whether a message is selected.
func (f Filter) Takes(m Message) bool {
	ids := len(f.IDs) == 0
	for _, id := range f.IDs {
		ids = ids || id == m.ID
	}
	return ids && (!f.Failures || m.ExitCode != 0) && cmp.Or(f.Computer, m.Computer) == m.Computer &&
		cmp.Or(f.Advertisement, m.Advertisement) == m.Advertisement && cmp.Or(f.Job, m.Job) == m.Job
}
