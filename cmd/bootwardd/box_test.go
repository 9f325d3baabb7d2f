package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd/status"
	sitestore "github.com/bootward/bootward/site/store"
)

const (
	mac1 = "52:54:00:77:00:11"
	mac2 = "52:54:00:77:00:12"
	guid = "4c4c4544-0042-3510-8052-b4c04f4d3232"
)

func mandatory(t *testing.T, m *target) string {
	t.Helper()
	var o api.Offers
	code, text := m.call(api.RouteOffers, m.id, &o)
	if code != http.StatusOK || len(o.Offers) != 1 || !o.Offers[0].Mandatory || !o.Offers[0].Destructive {
		t.Fatalf("offers: %d %s", code, text)
	}
	return o.Offers[0].Advertisement
}

// TestDeployment goes from an empty box to a finished job, with the line cut
// in the middle of the sync and of the deployment.
func TestDeployment(t *testing.T) {
	r := newRig(t)
	r.line.breakAt.Store(1 << 20) // somewhere in the content
	console := r.startBox()
	r.ready()
	if r.line.breaks.Load() != 1 {
		t.Error("the line did not break: the test looks at nothing")
	}
	r.eventually("console", func() error {
		if !strings.Contains(console.String(), "bootward: ready after ") {
			return errors.New(console.String())
		}
		return nil
	})
	m := r.target(mac1, guid)
	var hello api.Hello
	if code, text := m.call(api.RouteHello, nil, &hello); code != http.StatusOK || hello.Site != "CEN" || hello.BoxName != "ward7-box" {
		t.Fatalf("hello: %d %s", code, text)
	}
	adv := mandatory(t, m)
	first, code, text := m.claim(adv)
	if code != http.StatusOK {
		t.Fatalf("claim: %d %s", code, text)
	}
	if again, code, text := m.claim(adv); code != http.StatusOK || again.Job != first.Job {
		t.Errorf("the same key again: %d %s", code, text)
	}
	var job api.Job
	if code, text := m.call(api.RouteJob, nil, &job); code != http.StatusOK {
		t.Fatalf("job: %d %s", code, text)
	}
	if fmt.Sprint(job.Variables) != "map[Bed:1 Floor:2 Ward:pc]" || job.Computer != "ward7-pc1" || len(job.Grant) == 0 || job.NextNumber != 1 {
		t.Errorf("job: %+v", job)
	}
	r.line.cut()
	fetchContent(t, m, job)
	send(t, m, job, 1, status.SequenceStarted, 2)
	if code, _ := m.call(api.RouteStatus, batch(job, 5, status.ActionCompleted), nil); code != http.StatusConflict {
		t.Errorf("a gap: %d, want 409", code)
	}
	send(t, m, job, 2, status.ActionCompleted, 3)
	send(t, m, job, 2, status.ActionCompleted, 3)
	send(t, m, job, 3, status.SequenceCompleted, 4)
	send(t, m, job, 3, status.SequenceCompleted, 4)
	if code, _ := m.call(api.RouteJob, nil, nil); code != http.StatusForbidden {
		t.Errorf("job after its end: %d, want 403", code)
	}
	r.stopBox()
	r.startBox() // the outbox survives
	r.line.mend()
	r.eventually("messages at the site", func() error {
		got, err := r.site.Messages(t.Context(), "ann", sitestore.MessageFilter{Job: job.ID})
		if err == nil && len(got.Messages) != 3 {
			err = fmt.Errorf("%d messages, want 3", len(got.Messages))
		}
		return err
	})
	other := r.target(mac1, guid)
	var o api.Offers
	if code, text := other.call(api.RouteOffers, other.id, &o); code != http.StatusOK || len(o.Offers) != 0 {
		t.Errorf("a mandatory advertisement runs once: %d %s", code, text)
	}
}

func batch(job api.Job, n uint64, id status.MessageID) api.StatusBatch {
	return api.StatusBatch{Messages: []status.Message{{Job: job.ID, Number: n, ID: id, Time: time.Now()}}}
}

func send(t *testing.T, m *target, job api.Job, n uint64, id status.MessageID, next uint64) {
	t.Helper()
	var ack api.StatusAck
	if code, text := m.call(api.RouteStatus, batch(job, n, id), &ack); code != http.StatusOK || ack.Next != next {
		t.Errorf("status %d: %d %s, want next %d", n, code, text, next)
	}
}

func fetchContent(t *testing.T, m *target, job api.Job) {
	t.Helper()
	dst, err := content.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	src := content.HTTPSource{Client: m.http, Base: m.url(), Manifests: "/v1/manifests/", Blobs: "/v1/blobs/"}
	for _, c := range job.Content {
		if err := content.FetchVersion(t.Context(), dst, src, c.Manifest, m.r.site.Anchor().Signing, nil); err != nil {
			t.Errorf("content %s: %v", c.Name, err)
		}
	}
	for _, path := range []string{"/v1/blobs/" + strings.Repeat("0", 64), "/v1/manifests/sha256:" + strings.Repeat("0", 64)} {
		if code, _ := m.call("GET "+path, nil, nil); code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, code)
		}
	}
}

// TestSecondClaimantStopsBoth: two machines with the same MAC.
func TestSecondClaimantStopsBoth(t *testing.T) {
	r := newRig(t)
	r.startBox()
	r.ready()
	for _, tt := range []struct {
		name, mac string
		second    func(first *target, adv string) (int, string)
	}{
		{"by claim", mac1, func(_ *target, adv string) (int, string) {
			_, code, text := r.target(mac1, guid).claim(adv)
			return code, text
		}},
		// To ask raises an alarm only: whoever shows a MAC cannot stop a job by it.
		{"other hardware, that asks and then claims", mac2, func(first *target, adv string) (int, string) {
			m := r.target(mac2, "5c4c4544-0042-3510-8052-b4c04f4d3232")
			if code, text := m.call(api.RouteOffers, m.id, nil); code != http.StatusConflict {
				t.Errorf("offers to other hardware: %d %s", code, text)
			}
			if code, text := first.call(api.RouteJob, nil, nil); code != http.StatusOK {
				t.Errorf("the job of the first: %d %s", code, text)
			}
			_, code, text := m.claim(adv)
			return code, text
		}},
	} {
		first := r.target(tt.mac, guid)
		adv := mandatory(t, first)
		job, code, text := first.claim(adv)
		if code != http.StatusOK {
			t.Fatalf("%s: claim: %d %s", tt.name, code, text)
		}
		if code, text := tt.second(first, adv); code != http.StatusConflict || !strings.Contains(text, "second machine") {
			t.Errorf("%s: second: %d %s", tt.name, code, text)
		}
		for _, route := range []string{api.RouteJob, "GET /v1/blobs/" + strings.Repeat("0", 64)} {
			if code, text := first.call(route, nil, nil); code != http.StatusForbidden || !strings.Contains(text, "ALARM") {
				t.Errorf("%s: first on %s: %d %s", tt.name, route, code, text)
			}
		}
		if _, code, _ := r.target(tt.mac, guid).claim(adv); code == http.StatusOK {
			t.Errorf("%s: a third claim was taken", tt.name)
		}
		r.eventually("failure at the site", func() error {
			got, err := r.site.Messages(t.Context(), "ann", sitestore.MessageFilter{Job: job.Job})
			if err == nil && (len(got.Messages) != 1 || got.Messages[0].ID != status.SequenceFailed) {
				err = fmt.Errorf("messages %+v", got.Messages)
			}
			return err
		})
	}
}

// TestLostMemory: grants of a lost database count as used.
func TestLostMemory(t *testing.T) {
	r := newRig(t)
	r.startBox()
	r.ready()
	m := r.target(mac1, guid)
	adv := mandatory(t, m)
	r.stopBox()
	r.token = ""
	for _, f := range []string{"box.db", "box.db-wal", "box.db-shm"} {
		if err := os.Remove(filepath.Join(r.dir, f)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	r.startBox()
	r.ready()
	if _, code, text := m.claim(adv); code != http.StatusUnprocessableEntity || !strings.Contains(text, "earlier state of this box") {
		t.Errorf("claim after the loss: %d %s", code, text)
	}
	r.stopBox()
	tok, err := r.site.EnrolToken(t.Context(), "ann", "ward7-box")
	if err != nil {
		t.Fatal(err)
	}
	r.token = tok.Token
	r.startBox()
	r.eventually("enrolled again, the token deleted", func() error {
		if _, err := os.Stat(r.tokenFile); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("the token is still there: %v", err)
		}
		return nil
	})
	if _, err := r.site.GrantAgain(t.Context(), "ann", "Install", api.GrantAgain{ConfirmedMachines: 2}); err != nil {
		t.Fatal(err)
	}
	r.eventually("claim under a new grant", func() error {
		if _, code, text := m.claim(adv); code != http.StatusOK {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	})
}

// TestGrantedAgain: a new grant lets a machine run again what it ran before,
// also while its former job is still open.
func TestGrantedAgain(t *testing.T) {
	r := newRig(t)
	r.startBox()
	r.ready()
	m := r.target(mac1, guid)
	adv := mandatory(t, m)
	first, code, text := m.claim(adv)
	if code != http.StatusOK {
		t.Fatalf("claim: %d %s", code, text)
	}
	if _, err := r.site.GrantAgain(t.Context(), "ann", "Install", api.GrantAgain{ConfirmedMachines: 1, Computers: []string{"ward7-pc1"}}); err != nil {
		t.Fatal(err)
	}
	again := r.target(mac1, guid)
	r.eventually("offer under the new grant", func() error {
		var o api.Offers
		if code, text := again.call(api.RouteOffers, again.id, &o); code != http.StatusOK || len(o.Offers) != 1 {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	})
	second, code, text := again.claim(adv)
	if code != http.StatusOK || second.Job == first.Job {
		t.Fatalf("claim under the new grant: %d %s", code, text)
	}
	if code, text := m.call(api.RouteJob, nil, nil); code != http.StatusForbidden {
		t.Errorf("the former job: %d %s", code, text)
	}
	if _, code, text := r.target(mac1, guid).claim(adv); code != http.StatusConflict {
		t.Errorf("a third machine: %d %s", code, text)
	}
}

// TestDamagedBlobIsFetchedAgain flips a byte on the box's disk.
func TestDamagedBlobIsFetchedAgain(t *testing.T) {
	r := newRig(t)
	r.startBox()
	r.ready()
	m := r.target(mac1, guid)
	if _, code, text := m.claim(mandatory(t, m)); code != http.StatusOK {
		t.Fatalf("claim: %d %s", code, text)
	}
	var job api.Job
	m.call(api.RouteJob, nil, &job)
	blobs, err := filepath.Glob(filepath.Join(r.dir, "content/blobs/*/*"))
	if err != nil || len(blobs) < 5 {
		t.Fatalf("%d blobs, %v", len(blobs), err)
	}
	for _, b := range blobs {
		flip(t, b)
	}
	fetchContent(t, m, job) // tries again until the box has fetched it again
	uki := fmt.Sprintf("http://127.0.0.1:%d/boot/%s/uki.efi", r.ports[0], job.Sequence.BootImage)
	r.eventually("boot file", func() error {
		resp, err := http.Get(uki)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.ContentLength != 700<<10 {
			return fmt.Errorf("status %s, %d bytes", resp.Status, resp.ContentLength)
		}
		return nil
	})
}

func flip(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, 50); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{b[0] ^ 1}, 50); err != nil {
		t.Fatal(err)
	}
}
