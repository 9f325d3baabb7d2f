package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// TestConditions: conditions ask the machine, and message and log say why a step was skipped.
func TestConditions(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","variables":{"Model":"OptiPlex"},"steps":[
		{"runCommandLine":{"name":"A file","command":"echo","condition":{"file":"/etc/passwd"}}},
		{"runCommandLine":{"name":"No file","command":"echo","condition":{"file":"/nowhere/%Ward%"}}},
		{"runCommandLine":{"name":"Model","command":"echo","condition":{"query":"SELECT * FROM Win32_ComputerSystem WHERE Model LIKE '%Model% 7%'"}}},
		{"runCommandLine":{"name":"Fan","command":"echo","condition":{"query":"SELECT * FROM Win32_Fan"}}},
		{"runCommandLine":{"name":"Fan again","command":"echo","condition":{"query":"SELECT * FROM Win32_Fan"}}}]}`)
	var screen bytes.Buffer
	s := b.newSession(&screen)
	s.hardware.Model = "OptiPlex 7090"
	if _, err := s.deploy(t.Context(), api.Offer{Mandatory: true}, nil, false); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{10002, 10005, 11144, 11140, 11134, 11130, 11134, 11130, 11130, 11143}, b.ids()); d != "" {
		t.Errorf("%s\n%s", d, screen.String())
	}
	const why = "file /nowhere/%Ward% does not exist"
	if got := b.messages[5].Output; got != why {
		t.Errorf("why it was skipped: %q", got)
	}
	raw, err := s.folder.Read(job.FileLog)
	if log := string(raw); err != nil || !strings.Contains(log, why) || strings.Count(log, "class Win32_Fan is not known") != 1 {
		t.Errorf("log: %s, %v", log, err)
	}
}

// TestSystemOfConditions: files are those of the boot image until a system is applied.
func TestSystemOfConditions(t *testing.T) {
	s := newBox(t, "{}").newSession(new(bytes.Buffer))
	for _, tt := range []struct {
		name   string
		stage  string
		layout *job.Layout
		want   string
	}{
		{"boot image", status.StageBootImage, nil, "/"},
		{"partitioned", status.StageBootImage, &job.Layout{Target: "/dev/vda2"}, "/"},
		{"applied", status.StageBootImage, &job.Layout{Target: "/dev/vda2", Applied: true}, filepath.Join(s.conf.Run, "target")},
		{"installed", status.StageInstalledSystem, &job.Layout{Target: "/dev/vda2", Applied: true}, s.conf.Root},
	} {
		if tt.layout != nil {
			if err := s.folder.WriteJSON(job.FileDisk, tt.layout); err != nil {
				t.Fatal(err)
			}
		}
		s.stage = tt.stage
		if got, err := s.system(); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
	if err := s.folder.Write(job.FileDisk, []byte("{")); err != nil {
		t.Fatal(err)
	}
	s.stage = status.StageBootImage
	if _, err := s.system(); err == nil {
		t.Error("a damaged layout was passed over")
	}
}

const lacking = `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"echo"}},
	{"group":"G","steps":[{"enableBitLocker":{"name":"Lock","protector":"tpm"}}]},{"autoApplyDrivers":{}}]}`

// TestPreflight: a sequence that would come to a step that this version cannot run does not
// begin, in the boot image or on a running client.
func TestPreflight(t *testing.T) {
	wants := []string{`step 3 "Lock"`, "an agent for Windows", `step 4 "Auto Apply Drivers"`}
	check := func(t *testing.T, b *box, ids ...int) {
		t.Helper()
		if got := b.ids(); !slices.Equal(got, ids) {
			t.Fatalf("messages %v", got)
		}
		for _, want := range wants {
			if got := b.messages[len(b.messages)-1].Output; !strings.Contains(got, want) {
				t.Errorf("%q lacks %q", got, want)
			}
		}
	}
	b := newBox(t, lacking)
	if _, err := b.newSession(new(bytes.Buffer)).deploy(t.Context(), api.Offer{Mandatory: true}, nil, false); err != nil {
		t.Fatal(err)
	}
	check(t, b, 10002, 10005, 11144, 11170, 11141)
	b = newBox(t, lacking)
	r, _ := b.resident(new(bytes.Buffer))
	if _, err := r.Start(t.Context(), api.Offer{Name: "Test", Mandatory: true}, ""); err == nil {
		t.Error("the client began")
	}
	check(t, b, 11170, 11141)
}

// TestPostAction: the command of SMSTSPostAction runs behind a success, when nothing of the job
// is left that it could find again.
func TestPostAction(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps string
		want  string
	}{
		{"success", `{"runCommandLine":{"command":"true"}}`, "ran seven\n"},
		{"failure", `{"runCommandLine":{"command":"false"}}`, ""},
		{"a secret it names", `{"setTaskSequenceVariable":{"variable":"Word","value":"canary","secret":true}},{"setTaskSequenceVariable":{"variable":"SMSTSPostAction","value":"echo $Word | tee OUT"}}`, "canary\n"},
		{"a secret in it", `{"setTaskSequenceVariable":{"variable":"Word","value":"canary","secret":true}},{"setTaskSequenceVariable":{"variable":"SMSTSPostAction","value":"echo %Word% | tee OUT"}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := filepath.Join(t.TempDir(), "out")
			b := newBox(t, `{"format":1,"name":"Test","steps":[`+strings.ReplaceAll(tt.steps, "OUT", at)+`]}`)
			var screen bytes.Buffer
			r, root := b.resident(&screen)
			b.job.Variables["SMSTSPostAction"] = "test ! -e " + filepath.Join(root, job.Name) + " && echo ran %Ward% >> " + at
			if _, err := r.Start(t.Context(), api.Offer{Name: "Test", Mandatory: true}, ""); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(at); string(got) != tt.want {
				t.Errorf("it left %q", got)
			}
			if strings.Contains(screen.String(), "canary") || strings.Contains(tt.steps, "%Word%") != strings.Contains(screen.String(), "is not run: it holds a secret") {
				t.Errorf("the screen: %s", screen.String())
			}
		})
	}
}
