package agent

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/canary"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

const secretCanary = "Canary-of-a-join-password"

// vault is what the fake box releases, and how it was asked.
type vault struct {
	values map[string]string
	refuse *api.Error
	asked  []api.AskSecrets
	behind []status.MessageID // the last message that was there at each question
}

func (b *box) release(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := b.secrets
	var in api.AskSecrets
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		b.t.Error(err)
	}
	v.asked, v.behind = append(v.asked, in), append(v.behind, b.messages[len(b.messages)-1].ID)
	if v.refuse != nil {
		w.Header().Set("Content-Type", api.ProblemType)
		w.WriteHeader(v.refuse.Status)
		if err := json.NewEncoder(w).Encode(v.refuse); err != nil {
			b.t.Error(err)
		}
		return
	}
	raw, err := json.Marshal(v.values)
	if err != nil {
		b.t.Error(err)
	}
	sealed, err := trust.Seal(in.Key, api.SecretsContext(b.job.ID, in.Step), raw)
	if err != nil {
		b.t.Error(err)
	}
	if err := json.NewEncoder(w).Encode(api.Secrets{Sealed: sealed}); err != nil {
		b.t.Error(err)
	}
}

// The command writes its secret to a file beside the job, so that the test sees
// that it had it, and says it, which is to be seen nowhere.
const joins = `{"format":1,"requires":["secrets"],"name":"Test","steps":[
	{"runCommandLine":{"name":"Join","command":"printf %s \"$JoinPassword\" | tee \"$BOOTWARD_TEST_OUT\"; echo \"it is $JoinPassword\"; exit 3","outputVariable":"Out",
		"secrets":{"JoinPassword":"join"},"successCodes":[3]}},
	{"runCommandLine":{"name":"After","command":"echo \"[$JoinPassword] %Out%\""}}]}`

// TestSecretReachesItsStepOnly runs a job with a secret against a box: its
// command has it, and the job folder, the messages and the screen do not.
func TestSecretReachesItsStepOnly(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	t.Setenv("BOOTWARD_TEST_OUT", out)
	b := newBox(t, joins)
	b.secrets = &vault{values: map[string]string{"JoinPassword": secretCanary}}
	var screen bytes.Buffer
	s := b.newSession(&screen)
	if next, err := s.deploy(t.Context(), api.Offer{Advertisement: "CEN20016", Name: "Test", Mandatory: true}, nil, false); err != nil || next != NextDisk {
		t.Fatalf("%v, %v\n%s", next, err, screen.String())
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != secretCanary {
		t.Errorf("the command had %q, %v\n%s", got, err, screen.String())
	}
	if v := b.secrets; len(v.asked) != 1 || v.asked[0].Step != 1 || v.behind[0] != status.SequenceStarted {
		t.Errorf("asked %d times, behind %v: the box must have every message first", len(v.asked), v.behind)
	}
	last := b.messages[len(b.messages)-2]
	if last.ID != status.ActionCompleted || last.Output != "[] ********it is ********\n" {
		t.Errorf("the step behind it: %+v", last)
	}
	searched := map[string][]byte{"screen": screen.Bytes()}
	var err error
	if searched["messages"], err = json.Marshal(b.messages); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(s.conf.Run, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			searched[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil || len(searched) < 3 {
		t.Fatalf("%d things to search, %v", len(searched), err)
	}
	for name, data := range searched {
		if what, ok := canary.Find(data, secretCanary); ok {
			t.Errorf("%s: %s", name, what)
		}
	}
}

// TestSecretIsRefused: the step does not run, and the message says why.
func TestSecretIsRefused(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	t.Setenv("BOOTWARD_TEST_OUT", out)
	b := newBox(t, joins)
	b.secrets = &vault{refuse: api.Errorf(api.CodeForbidden, "j-1", "nobody has approved this machine").WithRemedy("compare the code")}
	var screen bytes.Buffer
	if next, err := b.newSession(&screen).deploy(t.Context(), api.Offer{Advertisement: "CEN20016", Mandatory: true}, nil, false); err != nil || next != NextDisk {
		t.Fatal(next, err)
	}
	failed := b.messages[len(b.messages)-2]
	if failed.ID != status.ActionFailed || failed.Step != 1 || !strings.Contains(failed.Output, "nobody has approved this machine") || len(b.secrets.asked) != 1 {
		t.Errorf("asked %d times: %+v", len(b.secrets.asked), failed)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("the command ran without its secret")
	}
}
