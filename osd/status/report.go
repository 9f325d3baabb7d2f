package status

import (
	"cmp"
	"slices"
	"time"
)

// Report is the history of one advertisement on one computer, step by step:
// "History - Specific task sequence advertisements run on a specific computer"
// (guide, figure 10).
type Report struct {
	// Advertisement is its ID; AdvertisementName is filled in by who knows it.
	Advertisement     string `json:"advertisement"`
	AdvertisementName string `json:"advertisementName,omitempty"`
	Computer          string `json:"computer"`
	Rows              []Row  `json:"rows"`
}

// Row is one message of a report, with the columns of figure 10.
type Row struct {
	ExecutionTime time.Time `json:"executionTime"`
	LastStep      int       `json:"lastStep,omitempty"` // 0 is shown as nothing
	LastAction    string    `json:"lastAction,omitempty"`
	LastGroup     string    `json:"lastGroup,omitempty"`
	MessageID     MessageID `json:"lastStatusMessageID"`
	MessageName   string    `json:"lastStatusMessageName"`
	ExitCode      int       `json:"exitCode"`
	ActionOutput  string    `json:"actionOutput,omitempty"`
	Job           string    `json:"job"`
	Stage         string    `json:"stage,omitempty"`
}

// NewReport makes the report of a computer and an advertisement from messages
// in any order; those of others, and doubles, are passed over. Jobs come in the
// order of their first message, the messages of a job by their number: clocks
// of targets are not trusted with the order.
func NewReport(computer, advertisement string, messages []Message) Report {
	r := Report{Advertisement: advertisement, Computer: computer}
	var mine []Message
	first := map[string]time.Time{}
	for _, m := range messages {
		if m.Computer != computer || m.Advertisement != advertisement {
			continue
		}
		mine = append(mine, m)
		if t, ok := first[m.Job]; !ok || m.Time.Before(t) {
			first[m.Job] = m.Time
		}
	}
	slices.SortStableFunc(mine, func(a, b Message) int {
		return cmp.Or(first[a.Job].Compare(first[b.Job]), cmp.Compare(a.Job, b.Job), cmp.Compare(a.Number, b.Number))
	})
	mine = slices.CompactFunc(mine, func(a, b Message) bool { return a.Job == b.Job && a.Number == b.Number })
	for _, m := range mine {
		r.Rows = append(r.Rows, Row{
			ExecutionTime: m.Time, LastStep: m.Step, LastAction: m.Action, LastGroup: m.Group,
			MessageID: m.ID, MessageName: m.ID.Name(), ExitCode: m.ExitCode, ActionOutput: m.Output,
			Job: m.Job, Stage: m.Stage,
		})
	}
	return r
}

// Columns are the headings of figure 10.
func Columns() []string {
	return []string{"Execution Time", "Last Step", "Last Action", "Last Group",
		"Last Status Message ID", "Last Status Message Name", "Exit Code", "Action Output"}
}
