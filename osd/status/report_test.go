package status

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// history is that of figure 10: a failed run, then another one.
func history() []Message {
	at := time.Date(2009, 11, 20, 15, 5, 4, 0, time.UTC)
	m := func(job string, n uint64, id MessageID, step int, action, group string, code int, out string) Message {
		at = at.Add(time.Second)
		return Message{Job: job, Number: n, Time: at, ID: id, Step: step, Action: action, Group: group, ExitCode: code, Output: out,
			Computer: "NHSCCLIENT1", Advertisement: "CEN20016", Stage: StageBootImage}
	}
	all := []Message{
		m("a", 1, ProgramReceived, 0, "", "", 0, ""),
		m("a", 2, ProgramStarted, 0, "", "", 0, ""),
		m("a", 3, SequenceStarted, 0, "", "", 0, ""),
		m("a", 4, GroupStarted, 1, "", "Capture Files and Settings", 0, ""),
		m("a", 5, ActionCompleted, 2, "Capture Windows Settings", "Capture Files and Settings", 0, "Command line: \"osdwi"),
		m("a", 6, ActionFailed, 5, "Request User State Storage", "Capture User Files and Settings", 16389, "Contacting available s\nHRESULT=80004005 \x1b[31m"),
		m("a", 7, SequenceFailed, 0, "", "", 16389, "=HYPERLINK(\"x\")"),
		m("b", 1, ProgramStarted, 0, "", "", 0, ""),
		m("b", 2, SequenceStarted, 0, "", "", 0, ""),
	}
	other := m("c", 1, ProgramStarted, 0, "", "", 0, "")
	other.Computer = "OTHER"
	all = append(all, other, all[4]) // and one twice
	all[5].Time = at.Add(-time.Hour) // a clock that jumped
	return all
}

func TestReport(t *testing.T) {
	r := NewReport("NHSCCLIENT1", "CEN20016", history())
	if len(r.Rows) != 9 {
		t.Fatalf("%d rows", len(r.Rows))
	}
	writers := map[string]func(*strings.Builder) error{
		"report-80.txt":  func(b *strings.Builder) error { return r.WriteText(b, 80) },
		"report-120.txt": func(b *strings.Builder) error { return r.WriteText(b, 120) },
		"report-160.txt": func(b *strings.Builder) error { return r.WriteText(b, 160) },
		"report-all.txt": func(b *strings.Builder) error { return r.WriteText(b, 0) },
		"report.csv":     func(b *strings.Builder) error { return r.WriteCSV(b) },
		"report.json":    func(b *strings.Builder) error { return r.WriteJSON(b) },
	}
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile("testdata/"+name, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWidth(t *testing.T) {
	r := NewReport("NHSCCLIENT1", "CEN20016", history())
	for width := 80; width <= 200; width++ {
		var b strings.Builder
		if err := r.WriteText(&b, width); err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(b.String(), "\n")[2:] {
			if len([]rune(line)) > width {
				t.Errorf("width %d: line %d has %d columns: %q", width, n, len([]rune(line)), line)
			}
		}
	}
}

func TestTail(t *testing.T) {
	for _, tt := range []struct {
		text string
		most int
		want string
	}{{"abc", 5, "abc"}, {"abcdef", 3, "def"}, {"aé", 1, ""}, {"aéb", 3, "éb"}, {"a\x00b\xff", 9, "ab?"}} {
		if got := Tail(tt.text, tt.most); got != tt.want {
			t.Errorf("Tail(%q, %d) = %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
}

func TestTimeline(t *testing.T) {
	at := time.Unix(1000, 0)
	got := Timeline([]FlightEvent{
		{Time: at.Add(2 * time.Second), What: FlightHTTP, Text: "initrd", Bytes: 3 << 20, Millis: 1500},
		{Time: at, What: FlightDiscover, Text: "asks on eth0 port 67"},
		{Time: at.Add(10 * time.Millisecond), What: FlightOffer, Text: "http://10.77.0.2/boot/CEN00001/boot.ipxe?mac=52:54:00:77:00:12 (architecture 0: BIOS)"},
		{Time: at.Add(3 * time.Second), What: FlightDiscover, Text: "asks on eth0 port 67"},
		{Time: at.Add(4 * time.Second), What: FlightDiscover, Text: "asks on eth0 port 67"},
		{Time: at.Add(5 * time.Second), What: FlightDiscover, Text: "asks on eth0 port 67"},
		{Time: at.Add(9 * time.Second), What: FlightOffer, Text: " (our agent looks for its box)"},
		{Time: at.Add(10 * time.Second), What: FlightTFTP, Text: "uki.efi, 21.7 MB in 8.70 s, 2.5 MB/s", Bytes: 21700000, Millis: 8700},
		{Time: at.Add(11 * time.Second), What: FlightAlarm, Text: "two machines have one MAC"},
		{Time: at.Add(12 * time.Second), What: "something-new", Text: "in words"},
		{Time: at.Add(time.Minute), What: FlightStatus, Text: "11134"},
		{Time: at.Add(2 * time.Minute), What: FlightJobEnded, Job: "a", Text: SequenceFailed.Name()},
		{Time: at.Add(2 * time.Minute), What: FlightJobEnded, Job: "b", Text: "the agent was not heard of for 8 hours"},
	}, []Message{
		{Job: "a", Time: at.Add(time.Minute), ID: ActionFailed, Step: 3, Action: "Apply", ExitCode: 50},
		{Job: "a", Time: at.Add(time.Minute), ID: SequenceFailed, ExitCode: 50},
	})
	var lines []string
	for _, e := range got {
		lines = append(lines, e.After.String()+" "+e.Source+" "+e.What+" "+e.Text)
	}
	want := []string{
		"0s box dhcp-offer DHCP: offered boot.ipxe by HTTP (architecture 0: BIOS)",
		"2s box http HTTP initrd, 3.1 MB in 1.5 s, 2.1 MB/s",
		"3s box dhcp-discover DHCP: asked on eth0 port 67 (3 times)",
		"9s box dhcp-offer DHCP: answered (our agent looks for its box)",
		"10s box tftp TFTP uki.efi, 21.7 MB in 8.70 s, 2.5 MB/s",
		"11s box alarm ALARM: two machines have one MAC",
		"12s box something-new in words",
		"1m0s agent 11135 3 Apply: FAILED (exit code 50)",
		"1m0s agent 11141 Task sequence FAILED (exit code 50)",
		"2m0s box job-ended Job ended: the agent was not heard of for 8 hours",
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
}

func TestOfferText(t *testing.T) {
	for text, want := range map[string]string{
		"uki.efi (why; why)":                 "offered uki.efi (why; why)",
		"address 10.77.0.50 uki.efi (lease)": "offered uki.efi, address 10.77.0.50 (lease)",
		"address 10.77.0.50 (lease)":         "offered address 10.77.0.50 (lease)",
		"":                                   "answered",
	} {
		if got := offerText(text); got != want {
			t.Errorf("offerText(%q) = %q, want %q", text, got, want)
		}
	}
}
