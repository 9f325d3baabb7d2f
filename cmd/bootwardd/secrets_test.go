package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/cmlog"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

// What an administrator types, and what is to be found nowhere.
const (
	secretCanary   = "Canary-of-a-join-password-4be1"
	passwordCanary = "Canary-of-a-pxe-password-90ac"
	pinCanary      = "739184620573"
)

// joining is a deployment that uses a secret, in place of the rig's own. The
// command proves in a file that it has the secret, and says it aloud.
const joining = `kind: Secret
name: join
---
kind: Person
name: tom
technician: {boxes: [ward7-box]}
---
kind: TaskSequence
name: Wipe and join
bootImage: linux-x64
steps:
  - partitionDisk: {style: mbr, volumes: [{type: primary, size: 100%%, fileSystem: ext4, variable: OSDisk}]}
  - group: Domain
    steps:
      - runCommandLine:
          command: 'printf %%s "$JoinPassword" | tee %s; echo "I join with $JoinPassword" >&2; test -e %[1]s.again || { touch %[1]s.again; exit 9; }'
          secrets: {JoinPassword: join}
          outputVariable: Said
          retry: {count: 1}
  - runCommandLine: {command: 'echo "said %%Said%%"; env'}
---
kind: Advertisement
name: Join
collection: Ward 7
sequence: Wipe and join
mandatory: [asSoonAsPossible]
confirmedMachines: 2
secretsWithoutApproval: true
`

// TestNoSecretIsStoredOrSent plants a secret, a PIN and a PXE password, runs a
// whole deployment that uses the secret, and searches everything that is stored,
// sent or shown by site, box and target.
func TestNoSecretIsStoredOrSent(t *testing.T) {
	r, _ := onSegment(t)
	if r == nil {
		return
	}
	packets := capturePackets(t)
	proof := filepath.Join(t.TempDir(), "proof")
	told := r.plantSecrets(fmt.Sprintf(joining, proof))
	console := r.startBox()
	r.ready()
	d := r.deployJoining()
	if got, err := os.ReadFile(proof); err != nil || string(got) != secretCanary {
		t.Fatalf("the step had %q, %v: nothing was proven", got, err)
	}
	r.eventually("the site knows of all", func() error {
		log, err := r.site.AuditLog(t.Context(), 0)
		raw, _ := json.Marshal(log)
		if !strings.Contains(string(raw), "secret-released") || !strings.Contains(string(r.messages()), "I join with ********") {
			return cmp.Or(err, fmt.Errorf("audit log %s, messages %s", raw, r.messages()))
		}
		return nil
	})
	s := &search{t: t}
	s.look("answers of the site", told)
	s.look("messages at the site", r.messages())
	s.look("answers of the box", []byte(r.answers.String()))
	s.look("job folder", d.stored.Bytes())
	s.look("console of the box", []byte(console.String()))
	s.site(r)
	r.stopBox()
	s.look("log of the box", []byte(r.boxLog.String()))
	s.look("log of the site", []byte(r.siteLog.String()))
	s.files("box", r.dir, "content")
	s.dump("box", filepath.Join(r.dir, "box.db"))
	sent := packets()
	if !bytes.Contains(sent, []byte("/healthz")) {
		t.Error("the capture holds not even what was sent in the clear")
	}
	s.look("packets", sent)
}

// capturePackets writes every packet of the test's host into a file until it is
// read.
func capturePackets(t *testing.T) func() []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "packets.pcap")
	cmd := exec.CommandContext(t.Context(), "tcpdump", "-i", "any", "-s", "0", "-U", "--immediate-mode", "-Z", "root", "-w", file)
	says, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var heard strings.Builder
	for buf := make([]byte, 256); !strings.Contains(heard.String(), "listening on"); {
		n, err := says.Read(buf)
		heard.Write(buf[:n])
		if err != nil {
			t.Fatalf("tcpdump: %s: %v", heard.String(), err)
		}
	}
	return func() []byte {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(io.Discard, says); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		return raw
	}
}

// administrator sends a request to the site, over the line, and returns the whole
// answer.
func (r *rig) administrator(route, name string, in any) []byte {
	r.t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		r.t.Fatal(err)
	}
	method, path, _ := strings.Cut(strings.NewReplacer("{name}", name, "{kind}", "Secret").Replace(route), " ")
	q, err := http.NewRequestWithContext(r.t.Context(), method, "https://"+r.line.l.Addr().String()+path, bytes.NewReader(raw))
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+r.admin)
	return body(r.t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: trust.ClientTLS(r.site.Anchor(), trust.IsSite("CEN"), nil, time.Now)}}, q)
}

// plantSecrets puts the deployment in place and sets the values as the command
// line does. It returns what the site answered.
func (r *rig) plantSecrets(yaml string) []byte {
	r.t.Helper()
	told := r.administrator(api.RouteApply, "", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "join.yaml", YAML: yaml}}})
	for _, v := range []struct {
		route, name string
		in          any
	}{
		{api.RouteSecretValue, "join", api.SecretValue{Value: secretCanary}},
		{api.RoutePersonPIN, "tom", api.NewPIN{PIN: pinCanary}},
		{api.RoutePXEPassword, "ward7-box", api.SecretValue{Value: passwordCanary}},
	} {
		answer := r.administrator(v.route, v.name, v.in)
		if bytes.Contains(answer, []byte(api.ProblemType)) {
			r.t.Fatalf("%s: %s", v.route, answer)
		}
		told = append(told, answer...)
	}
	// Refusals do not say again what they refuse.
	told = append(told, r.administrator(api.RouteSecretValue, "nothing", api.SecretValue{Value: secretCanary})...)
	told = append(told, r.administrator(api.RoutePersonPIN, "tom", api.NewPIN{PIN: pinCanary + pinCanary})...)
	told = append(told, r.administrator(api.RoutePXEPassword, "nothing", []string{passwordCanary})...)
	told = append(told, r.administrator(api.RouteGet, "join", nil)...)
	return append(told, r.administrator(api.RouteAudit, "", nil)...)
}

// plantValues sets a secret, a PIN and a PXE password beside the rig's own
// deployment, and returns them by what they are.
func (r *rig) plantValues() map[string]string {
	r.t.Helper()
	ctx := r.t.Context()
	_, err := r.site.Apply(ctx, "ann", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "values.yaml",
		YAML: "kind: Secret\nname: join\n---\nkind: Person\nname: tom\ntechnician: {boxes: [ward7-box]}\n"}}})
	err = errors.Join(err, r.site.SetSecret(ctx, "ann", "join", api.SecretValue{Value: secretCanary}), r.site.SetPIN(ctx, "ann", "tom", api.NewPIN{PIN: pinCanary}),
		r.site.SetPXEPassword(ctx, "ann", "ward7-box", api.SecretValue{Value: passwordCanary}))
	if err != nil {
		r.t.Fatal(err)
	}
	return map[string]string{"secret": secretCanary, "PIN": pinCanary, "PXE password": passwordCanary}
}

// messages are the status messages at the site.
func (r *rig) messages() []byte {
	r.t.Helper()
	found, err := r.site.Messages(r.t.Context(), "ann", store.MessageFilter{})
	if err != nil {
		r.t.Fatal(err)
	}
	raw, err := json.Marshal(found)
	if err != nil {
		r.t.Fatal(err)
	}
	return raw
}

// deploying is a target that runs a job with the agent's own engine and commands;
// its disk alone is made up.
type deploying struct {
	*target
	job    api.Job
	steps  *step.Executor
	stored bytes.Buffer // all that would be in the job folder
	sent   uint64
}

// deployJoining runs the deployment from the offer to its end.
func (r *rig) deployJoining() *deploying {
	t := r.t
	t.Helper()
	d := &deploying{target: r.target(mac1, guid)}
	var offers api.Offers
	d.call(api.RouteOffers, d.id, &offers)
	advertisement := ""
	for _, o := range offers.Offers {
		if o.Name == "Join" {
			advertisement = o.Advertisement
		}
	}
	if _, code, text := d.claim(advertisement); code != http.StatusOK {
		t.Fatalf("claim: %d %s", code, text)
	}
	d.call(api.RouteJob, nil, &d.job)
	seq, err := sequence.Decode(d.job.Sequence.Document)
	if err != nil {
		t.Fatal(err)
	}
	d.steps = &step.Executor{Commands: machine.Commands{}, Log: slog.New(cmlog.NewHandler(&d.stored, slog.LevelDebug, nil))}
	e := &engine.Engine{Sequence: seq, State: engine.New(sequence.NewEnvironment()), Executor: d, Journal: d, Reporter: d,
		Stage: status.StageBootImage, Now: time.Now, Secrets: d.secrets}
	if end, err := e.Run(t.Context()); err != nil || !end.Succeeded {
		t.Fatalf("ending %+v, %v", end, err)
	}
	return d
}

func (d *deploying) Execute(ctx context.Context, line sequence.Line, env *sequence.Environment) engine.Result {
	if line.Node.Step.Type() == sequence.TypePartitionDisk {
		code, text := d.call(api.RouteErase, api.Erase{Disk: "made up"}, nil)
		if code != http.StatusNoContent {
			return engine.Result{Err: errors.New(text)}
		}
		return engine.Result{}
	}
	return d.steps.Execute(ctx, line, env)
}

func (d *deploying) Save(s engine.State) error { return json.NewEncoder(&d.stored).Encode(s) }

func (d *deploying) Report(m status.Message) error {
	d.sent++
	m.Job, m.Number = d.job.ID, d.sent
	if code, text := d.call(api.RouteStatus, api.StatusBatch{Messages: []status.Message{m}}, nil); code != http.StatusOK {
		return errors.New(text)
	}
	return json.NewEncoder(&d.stored).Encode(m)
}

// secrets asks as the agent does; a second key gets nothing.
func (d *deploying) secrets(_ context.Context, line sequence.Line) (map[string]string, error) {
	var values map[string]string
	for i, want := range []int{http.StatusOK, http.StatusForbidden} {
		key, err := trust.NewSealingKey()
		if err != nil {
			return nil, err
		}
		var got api.Secrets
		code, text := d.call(api.RouteSecrets, api.AskSecrets{Step: line.Number, Key: key.Public()}, &got)
		if code != want {
			return nil, fmt.Errorf("time %d: %d %s", i, code, text)
		}
		if code != http.StatusOK {
			continue
		}
		raw, err := key.Open(api.SecretsContext(d.job.ID, line.Number), got.Sealed)
		if err == nil {
			err = json.Unmarshal(raw, &values)
		}
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}
