package status

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// idents are the names of the messages in code.
var idents = map[MessageID]string{
	ProgramReceived: "ProgramReceived", ProgramStarted: "ProgramStarted", GroupStarted: "GroupStarted", GroupCompleted: "GroupCompleted",
	ActionDisabled: "ActionDisabled", ActionSkipped: "ActionSkipped", ActionCompleted: "ActionCompleted", ActionFailed: "ActionFailed",
	FailureIgnored: "FailureIgnored", SequenceStarted: "SequenceStarted", SequenceFailed: "SequenceFailed", RebootInitiated: "RebootInitiated",
	SequenceCompleted: "SequenceCompleted", StartedInBoot: "StartedInBoot", ManagerFailed: "ManagerFailed",
}

// TestMessagesAreDocumentedAndSent: the table of docs/formats/status.md, the names and
// the code that sends messages hold the same IDs.
func TestMessagesAreDocumentedAndSent(t *testing.T) {
	var named, documented []MessageID
	for id := MessageID(10000); id < 12000; id++ {
		if id.Name() != "Unknown status message" {
			named = append(named, id)
		}
	}
	raw, err := os.ReadFile("../../docs/formats/status.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile(`(?m)^\| ([0-9]{5}) \| ([^|]+) \| ([^|]+) \|`).FindAllStringSubmatch(string(raw), -1) {
		id, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		documented = append(documented, MessageID(id))
		if text := MessageID(id).Name(); !strings.Contains(row[2], strings.TrimPrefix(text, "The task sequence ")) {
			t.Errorf("%d is %q in the table, %q in code", id, row[2], text)
		}
	}
	slices.Sort(documented)
	if d := cmp.Diff(named, documented); d != "" {
		t.Errorf("named against documented: %s", d)
	}
	sources := senders(t)
	for _, id := range named {
		if !strings.Contains(sources, "status."+idents[id]) || idents[id] == "" {
			t.Errorf("nobody sends %d %s", id, idents[id])
		}
	}
}

// senders is the code of what sends messages.
func senders(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{"../../agent", "../sequence/engine", "../../appliance/store"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			all.Write(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
