package agent

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// resident is a client of the box in a system of its own.
func (b *box) resident(screen *bytes.Buffer) (*Resident, string) {
	t := b.t
	t.Helper()
	root := t.TempDir()
	box := []byte(`{"address":"` + b.server.Listener.Addr().String() + `","name":"ward-7"}`)
	if err := machine.KeepClient(root, b.anchor, box); err != nil {
		t.Fatal(err)
	}
	r, err := NewResident(Config{Run: t.TempDir(), Root: root, Executable: os.Args[0], Console: console.New(nil, screen, func() time.Duration { return 0 })})
	if err != nil {
		t.Fatal(err)
	}
	return r, root
}

// left are the paths that are left on a system, without folders.
func left(t *testing.T, root string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(root, path)
			paths = append(paths, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

const looks = `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"echo %_SMSTSLaunchMode% %_SMSTSInWinPE%"}},
	{"restartComputer":{"to":"installedOS","message":"updates"}},{"runCommandLine":{"command":"echo second"}}]}`

// TestResidentRuns: a job of the client runs to its restart, goes on behind it,
// reports as any job, and leaves the client and no key.
func TestResidentRuns(t *testing.T) {
	b := newBox(t, looks)
	var screen bytes.Buffer
	r, root := b.resident(&screen)
	var told []string
	r.conf.Tell = func(text string) { told = append(told, text) }
	restart, err := r.Start(t.Context(), api.Offer{Advertisement: "CEN20016", Name: "Test", Mandatory: true}, osd.AtLogon)
	if err != nil || !restart {
		t.Fatalf("%v, %v\n%s", restart, err, screen.String())
	}
	if b.claimed.Where != osd.ToRunningClients || b.claimed.Event != osd.AtLogon || b.claimed.Person {
		t.Errorf("claimed as %+v", b.claimed)
	}
	if d := cmp.Diff([]string{"updates: now"}, told); d != "" {
		t.Error(d)
	}
	if _, err := r.Start(t.Context(), api.Offer{Advertisement: "CEN20017", Name: "Other"}, ""); err == nil || !strings.Contains(err.Error(), "not at its end") {
		t.Errorf("a second job: %v", err)
	}
	if restart, err := r.GoOn(t.Context()); err != nil || restart {
		t.Fatalf("behind the restart: %v, %v\n%s", restart, err, screen.String())
	}
	if d := cmp.Diff([]int{10002, 10005, 11140, 11134, 11134, 11142, 11134, 11143}, b.ids()); d != "" {
		t.Errorf("%s\n%s", d, screen.String())
	}
	if m := b.messages[3]; m.Output != "SMS false\n" || m.Stage != status.StageInstalledSystem {
		t.Errorf("%+v", m)
	}
	if d := cmp.Diff([]string{"var/lib/bootward-client/anchor.json", "var/lib/bootward-client/box.json", "var/log/bootward/smsts.log"}, left(t, root)); d != "" {
		t.Error(d)
	}
	if restart, err := r.GoOn(t.Context()); err != nil || restart {
		t.Errorf("without a job: %v, %v", restart, err)
	}
}

// TestResidentPowerCut: a job that was claimed, and of which nothing else is on
// the disk, begins when the client starts again; one whose step was running ends
// as a failure, and the client stays.
func TestResidentPowerCut(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state string // "" is none
		ids   []int
	}{
		{"behind the claim", "", []int{10002, 10005, 11140, 11134, 11134, 11142}},
		{"in a step", `{"format":1,"next":1,"running":1,"variables":{"SMSTSErrorDialogTimeout":"0"}}`, []int{11135, 11141}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, looks)
			var screen bytes.Buffer
			r, root := b.resident(&screen)
			s, err := r.session(t.Context(), filepath.Join(root, job.Name), "")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.claim(t.Context(), api.Offer{Advertisement: "CEN20016"}, false); err != nil {
				t.Fatal(err)
			}
			if tt.state != "" {
				if err := s.folder.Write(job.FileState, []byte(tt.state)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := r.GoOn(t.Context()); err != nil {
				t.Fatalf("%v\n%s", err, screen.String())
			}
			if d := cmp.Diff(tt.ids, b.ids()); d != "" {
				t.Errorf("%s\n%s", d, screen.String())
			}
			if _, err := NewResident(Config{Root: root}); err != nil {
				t.Errorf("the client is gone: %v", err)
			}
		})
	}
}

// TestResidentErasesNothing: whatever the box says, a sequence that erases a disk
// is not begun, and the box hears why.
func TestResidentErasesNothing(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"echo first"}},
		{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%"}]}}]}`)
	var screen bytes.Buffer
	r, root := b.resident(&screen)
	before := filepath.Join(root, installedLogs, job.FileLog)
	if err := errors.Join(os.MkdirAll(filepath.Dir(before), 0o750), os.WriteFile(before, []byte("of the job before"), 0o640)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start(t.Context(), api.Offer{Advertisement: "CEN20016", Destructive: true, Mandatory: true}, ""); err == nil || !strings.Contains(err.Error(), "running clients erase nothing") {
		t.Errorf("got %v", err)
	}
	if b.claimed.Advertisement != "" {
		t.Error("it was claimed")
	}
	if _, err := r.Start(t.Context(), api.Offer{Advertisement: "CEN20016", Mandatory: true}, ""); err == nil || !strings.Contains(err.Error(), "running clients erase nothing") {
		t.Errorf("a box that lies: %v", err)
	}
	if d := cmp.Diff([]int{11170, 11141}, b.ids()); d != "" {
		t.Error(d)
	}
	if _, err := os.Stat(filepath.Join(root, job.Name)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("job folder: %v", err)
	}
	if raw, err := os.ReadFile(before); string(raw) != "of the job before" {
		t.Errorf("the log of the job before: %q, %v", raw, err)
	}
}

// TestChoose: what a person may choose is run, anything else is refused with the
// reason, and a failure is told to him.
func TestChoose(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"name":"Break","command":"exit 7"}}]}`)
	b.offers = api.Offers{Offers: []api.Offer{{Advertisement: "CEN20016", Name: "Save logs"}}, Why: []string{"Ward: it erases a disk"}}
	var screen bytes.Buffer
	r, _ := b.resident(&screen)
	if _, err := r.Choose(t.Context(), "Ward", nobody); err == nil || !strings.Contains(err.Error(), "it erases a disk") {
		t.Errorf("got %v", err)
	}
	if _, err := r.Choose(t.Context(), "Save logs", nobody); err == nil || !strings.Contains(err.Error(), "step 1 Break, exit code 7") {
		t.Errorf("got %v", err)
	}
	if !b.claimed.Person || b.claimed.Where != osd.ToRunningClients || b.asked.Where != osd.ToRunningClients {
		t.Errorf("asked %+v, claimed %+v", b.asked, b.claimed)
	}
}

func nobody(context.Context, []sequence.Question) (map[string]string, error) { return nil, nil }

// TestChooseAsks: the questions of what a person chose are asked before it is claimed, his answers
// are variables of the job, and what is not answered stops it.
func TestChooseAsks(t *testing.T) {
	const questions = `[{"variable":"Bay","prompt":"In which bay"},{"variable":"Pin","prompt":"Pin","secret":true}]`
	for _, tt := range []struct {
		name    string
		answers map[string]string
		fails   error
		want    string
	}{
		{"answered", map[string]string{"Bay": "3", "Pin": "canary-4711"}, nil, ""},
		{"one is left out", map[string]string{"Pin": "canary-4711"}, nil, "--answer Bay=VALUE"},
		{"nobody there", nil, errors.New("nobody there"), "run Ask: nobody there"},
	} {
		b := newBox(t, `{"format":1,"requires":["questions"],"name":"Test","questions":`+questions+`,"steps":[
			{"runCommandLine":{"name":"Check","command":"test %Bay% = 3","condition":{"variable":"Pin","equals":"canary-4711"}}},{"setTaskSequenceVariable":{"name":"Last","variable":"A","value":"%Bay%"}}]}`)
		b.offers = api.Offers{Offers: []api.Offer{{Advertisement: "CEN20016", Name: "Ask", Questions: []sequence.Question{{Variable: "Bay"}, {Variable: "Pin"}}}}}
		var screen bytes.Buffer
		r, _ := b.resident(&screen)
		_, err := r.Choose(t.Context(), "Ask", func(_ context.Context, q []sequence.Question) (map[string]string, error) {
			if len(q) != 2 || b.claimed.Advertisement != "" {
				t.Errorf("asked %+v, claimed %q", q, b.claimed.Advertisement)
			}
			return tt.answers, tt.fails
		})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if claimed := b.claimed.Advertisement != ""; claimed != (tt.fails == nil) {
			t.Errorf("%s: claimed %v", tt.name, claimed)
		}
		if strings.Contains(screen.String(), "canary") {
			t.Errorf("%s: the screen shows the secret answer: %s", tt.name, screen.String())
		}
	}
}

// TestOneJob: two processes of the agent run one job at a time.
func TestOneJob(t *testing.T) {
	b := newBox(t, looks)
	var screen bytes.Buffer
	r, root := b.resident(&screen)
	unlock, err := lockJob(r.conf.Run)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start(t.Context(), api.Offer{Advertisement: "CEN20016"}, ""); !errors.Is(err, errBusy) {
		t.Errorf("start: %v", err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(root, job.Name), 0o700), os.WriteFile(filepath.Join(root, job.Name, job.FileJob), []byte("{}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.GoOn(t.Context()); !errors.Is(err, errBusy) {
		t.Errorf("go on: %v", err)
	}
	unlock()
	if _, err := lockJob(r.conf.Run); err != nil {
		t.Errorf("after the end: %v", err)
	}
}

// TestBoxMoved: a client that hears nothing of its box asks another of the site,
// and remembers it.
func TestBoxMoved(t *testing.T) {
	b := newBox(t, looks)
	var screen bytes.Buffer
	r, root := b.resident(&screen)
	here := r.box.Address
	r.box = job.Box{Address: "127.0.0.1:1", Name: "ward-9"}
	looked := 0
	r.find = func(context.Context) (job.Box, error) { looked++; return job.Box{Address: here}, nil }
	tries := 0
	for ; tries < 10; tries++ {
		if _, err := r.Ask(t.Context(), ""); err == nil {
			break
		}
	}
	if tries != 3 || looked != 1 {
		t.Errorf("found after %d tries, looked %d times", tries, looked)
	}
	again, err := NewResident(Config{Root: root})
	if err != nil || again.box != (job.Box{Address: here, Name: "ward-7"}) {
		t.Errorf("%+v, %v", again, err)
	}
}

// TestNoClient: what is missing is said, with what helps.
func TestNoClient(t *testing.T) {
	root := t.TempDir()
	if _, err := NewResident(Config{Root: root}); err == nil || !strings.Contains(err.Error(), "clientAgent") {
		t.Errorf("got %v", err)
	}
	if err := machine.KeepClient(root, []byte("{"), []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := NewResident(Config{Root: root}); err == nil || !strings.Contains(err.Error(), "copy the file") {
		t.Errorf("got %v", err)
	}
}

// TestBecomesClient: the agent of a deployment stays as the client if the site
// wants that and the deployment succeeded; of the job nothing stays but its log.
func TestBecomesClient(t *testing.T) {
	for _, tt := range []struct {
		name        string
		wants, good bool
		next        Next
	}{
		{"wanted", true, true, NextClient},
		{"not wanted", false, true, ""},
		{"failed", true, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, restarts)
			b.job.ClientAgent = tt.wants
			running := 0
			if !tt.good {
				running = 2
			}
			var screen bytes.Buffer
			s, root := b.restarted(&screen, running)
			if err := errors.Join(os.MkdirAll(filepath.Join(root, "etc/systemd/system"), 0o755),
				machine.System{Executable: os.Args[0], Client: tt.wants}.Agent(root)); err != nil {
				t.Fatal(err)
			}
			next, err := Resume(t.Context(), Config{Run: t.TempDir(), Root: root, Console: s.console})
			if err != nil || next != tt.next {
				t.Fatalf("%q, %v\n%s", next, err, screen.String())
			}
			want := []string{"var/log/bootward/smsts.log"}
			if next == NextClient {
				want = append(want, "etc/systemd/system/bootward-client.service", "etc/systemd/system/multi-user.target.wants/bootward-client.service",
					"usr/lib/bootward/bootward-agent", "var/lib/bootward-client/anchor.json", "var/lib/bootward-client/box.json")
				if info, err := os.Stat(filepath.Join(root, machine.ClientFolder)); err != nil || info.Mode().Perm() != 0o700 {
					t.Errorf("%v, %v", info, err)
				}
				if _, err := NewResident(Config{Root: root}); err != nil {
					t.Errorf("the client does not begin: %v", err)
				}
			}
			slices.Sort(want)
			if d := cmp.Diff(want, left(t, root)); d != "" {
				t.Error(d)
			}
		})
	}
}

// keyboard is a person at the screen of a boot image.
func keyboard(ctx context.Context, keys map[time.Duration]string) *slowKeys {
	return &slowKeys{ctx, time.Now(), keys}
}

type slowKeys struct {
	ctx   context.Context
	begin time.Time
	keys  map[time.Duration]string
}

func (k *slowKeys) Read(p []byte) (int, error) {
	for at, key := range k.keys {
		select {
		case <-k.ctx.Done():
			return 0, k.ctx.Err()
		case <-time.After(time.Until(k.begin.Add(at))):
		}
		delete(k.keys, at)
		return copy(p, key), nil
	}
	<-k.ctx.Done()
	return 0, k.ctx.Err()
}

// TestCountdown: a mandatory run waits for its countdown; Enter starts it, no
// other key does anything.
func TestCountdown(t *testing.T) {
	for _, tt := range []struct {
		name      string
		countdown time.Duration
		keys      map[time.Duration]string
		want      time.Duration
	}{
		{"none", 0, nil, 0},
		{"nobody is there", 10 * time.Minute, nil, 10 * time.Minute},
		{"Enter", 10 * time.Minute, map[time.Duration]string{time.Minute: "\r"}, time.Minute},
		{"other keys", 10 * time.Minute, map[time.Duration]string{time.Minute: "c\x1bn\x03"}, 10 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var screen bytes.Buffer
				begin := time.Now()
				s := &session{console: console.New(keyboard(ctx, tt.keys), &screen, func() time.Duration { return 0 })}
				ok := s.countdown(ctx, api.Offer{Name: "Ward PCs", Countdown: osd.Duration(tt.countdown), Destructive: true})
				if took := time.Since(begin); !ok || took != tt.want {
					t.Errorf("%v after %s, want %s", ok, took, tt.want)
				}
				if tt.countdown > 0 && !strings.Contains(screen.String(), "It ERASES A DISK") {
					t.Errorf("screen:\n%s", screen.String())
				}
			})
		})
	}
}

// TestCountdownEnds: a machine that is told to stop begins nothing.
func TestCountdownEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var screen bytes.Buffer
	s := &session{console: console.New(nil, &screen, func() time.Duration { return 0 })}
	if s.countdown(ctx, api.Offer{Name: "Ward PCs", Countdown: osd.Duration(time.Hour)}) {
		t.Error("it begins")
	}
}
