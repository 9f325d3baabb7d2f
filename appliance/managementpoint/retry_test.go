package managementpoint

import (
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

// failedJob is a job that failed at step 3, which uses secrets.
func failedJob(t *testing.T, change func(r *releasing, j *store.Job)) *releasing {
	t.Helper()
	r := newReleasing(t, func(r *releasing, j *store.Job) {
		j.Identity, j.Document.AdvertName = api.Identity{MACs: []string{wardMAC}, SMBIOSGUID: wardGUID}, "Look"
		if change != nil {
			change(r, j)
		}
	})
	r.toJoin()
	r.fail()
	return r
}

// fail reports that step 3 failed, and the sequence with it.
func (r *releasing) fail() {
	r.send(status.Message{ID: status.ActionFailed, Step: 3}, status.Message{ID: status.SequenceFailed})
}

func (r *releasing) retry(in api.Retry) (api.Retried, *api.Error) {
	r.t.Helper()
	j, err := r.store.Job(r.t.Context(), r.job)
	fatal(r.t, err)
	return r.p.retry(r.t.Context(), j, in)
}

func (r *releasing) state() store.JobState {
	r.t.Helper()
	j, err := r.store.Job(r.t.Context(), r.job)
	fatal(r.t, err)
	return j.State
}

// TestRetry: a person at the machine gets his job back at the step that failed; messages go
// on with the next number, and the audit log says who wanted it.
func TestRetry(t *testing.T) {
	r := failedJob(t, nil)
	for range 2 { // an answer may be lost
		if got, failed := r.retry(api.Retry{Person: true}); failed != nil || !got.Again || got.By != atTheMachine {
			t.Fatalf("%+v, %v", got, failed)
		}
	}
	r.send(status.Message{ID: status.SequenceStarted}, status.Message{ID: status.ActionCompleted, Step: 3})
	j, err := r.store.Job(t.Context(), r.job)
	fatal(t, err)
	if j.State != store.JobOpen || j.Position != 4 || j.Next != 8 || j.Approved != "tom" {
		t.Errorf("%s at step %d, next message %d, approved by %q", j.State, j.Position, j.Next, j.Approved)
	}
	log, err := r.store.AuditLog(t.Context(), 10)
	fatal(t, err)
	if log[0].What != "retry" || log[0].Who != atTheMachine || log[0].Object != r.job || !strings.Contains(log[0].Text, "step 3") {
		t.Errorf("audit %+v", log[0])
	}
}

// TestRetryByAdministrator: the machine asks without a person, and gets nothing before
// somebody at the site or the box has said so; that counts once.
func TestRetryByAdministrator(t *testing.T) {
	r := failedJob(t, nil)
	if got, failed := r.retry(api.Retry{}); failed != nil || got.Again || r.state() != store.JobFailed {
		t.Fatalf("%+v, %v", got, failed)
	}
	o := policy.Order{ID: "o1", Kind: policy.OrderRetry, Computers: []string{"C1"}, By: "ann", IssuedAt: time.Now()}
	if done, err := r.store.CarryOut(t.Context(), o, time.Now()); err != nil || !done {
		t.Fatal(done, err)
	}
	if got, failed := r.retry(api.Retry{}); failed != nil || !got.Again || got.By != "ann" || r.state() != store.JobOpen {
		t.Fatalf("%+v, %v", got, failed)
	}
	r.fail()
	if got, failed := r.retry(api.Retry{}); failed != nil || got.Again {
		t.Errorf("allowed once, and it went on twice: %+v, %v", got, failed)
	}
	if n, err := r.store.AllowRetry(t.Context(), "tom", []string{"C2"}, time.Now()); err != nil || n != 0 {
		t.Errorf("another computer: %d jobs, %v", n, err)
	}
}

// TestRetryOrderIsForOneFailure: an order that was given before a failure, and arrives behind
// it, was for another one.
func TestRetryOrderIsForOneFailure(t *testing.T) {
	for _, tt := range []struct {
		name string
		ago  time.Duration // of the order, at the failure
		want bool
	}{
		{"behind the failure", 0, true},
		{"the box's clock is ahead", 30 * time.Second, true},
		{"before the failure", 5 * time.Minute, false},
	} {
		r := failedJob(t, nil)
		if _, failed := r.retry(api.Retry{Person: true}); failed != nil {
			t.Fatal(failed)
		}
		r.fail()
		o := policy.Order{ID: "o1", Kind: policy.OrderRetry, Computers: []string{"C1"}, By: "ann", IssuedAt: time.Now().Add(-tt.ago)}
		if done, err := r.store.CarryOut(t.Context(), o, time.Now()); err != nil || !done {
			t.Fatal(done, err)
		}
		if got, failed := r.retry(api.Retry{}); failed != nil || got.Again != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, got, failed)
		}
	}
}

// TestRetrySecrets: the secrets of the step that failed are released once more to another
// key, and not a third time.
func TestRetrySecrets(t *testing.T) {
	r := newReleasing(t, func(_ *releasing, j *store.Job) {
		j.Identity, j.Document.AdvertName = api.Identity{MACs: []string{wardMAC}, SMBIOSGUID: wardGUID}, "Look"
	})
	r.toJoin()
	for try, want := range []bool{true, true, false} {
		k := newSealing(t)
		if _, failed := r.ask(3, k); (failed == nil) != want {
			t.Errorf("try %d: %v", try, failed)
		}
		if want {
			_, failed := r.ask(3, newSealing(t))
			refused(t, "another key in the same try", failed, api.CodeForbidden, "to another key")
			r.fail()
			if _, failed := r.retry(api.Retry{Person: true}); failed != nil {
				t.Fatal(failed)
			}
		}
	}
	if n := r.released(); n != 2 {
		t.Errorf("%d entries of the audit log, want one for each release", n)
	}
}

// TestRetryIsRefused: what stands against it, each with its reason; the job stays failed.
func TestRetryIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, r *releasing)
		want   string
	}{
		{"the advertisement is gone", func(_ *testing.T, r *releasing) { r.policy.Advertisements = r.policy.Advertisements[1:] }, "for other machines, or was deleted"},
		{"it has ended", func(_ *testing.T, r *releasing) {
			r.policy.Advertisements[0].Expires = osd.Moment("2020-01-01T00:00:00Z")
		}, "expired"},
		{"the machine left the collection", func(_ *testing.T, r *releasing) { r.policy.Collections[0].Members = nil }, "not in collection Ward"},
		{"a newer job runs", func(t *testing.T, r *releasing) {
			fatal(t, r.store.OpenJob(t.Context(), store.Job{ID: "job-2", Machine: "computer:C1", Name: "pc-1", Key: "k2", Opened: time.Now(), Document: api.Job{ID: "job-2", Advertisement: "A1"}}, ""))
		}, "newer job"},
		{"a newer job has run", func(t *testing.T, r *releasing) {
			fatal(t, r.store.OpenJob(t.Context(), store.Job{ID: "job-2", Machine: "computer:C1", Name: "pc-1", Key: "k2", Opened: time.Now(), Document: api.Job{ID: "job-2", Advertisement: "A1"}}, ""))
			fatal(t, r.store.EndJob(t.Context(), "job-2", store.JobAbandoned, "x", time.Now()))
		}, "newer job"},
		{"too late", func(_ *testing.T, r *releasing) {
			r.p.Now = func() time.Time { return time.Now().Add(store.RetryWindow + time.Minute) }
		}, "ago"},
		{"no policy", func(_ *testing.T, r *releasing) { r.policy = nil }, "no policy"},
		{"the password", func(t *testing.T, r *releasing) {
			verifier := trust.NewVerifier("correct horse battery")
			v := policy.Sealed{Kind: policy.SealedPassword, Object: "CEN00001", Name: "ward-7", Revision: 1}
			var err error
			v.Ciphertext, err = trust.Seal(r.own.Public(), v.Context("CEN00001"), []byte(verifier))
			fatal(t, err)
			r.policy.Sealed = append(r.policy.Sealed, v)
		}, "PXE password"},
		{"the interlock", func(t *testing.T, r *releasing) {
			fatal(t, r.store.Stop(t.Context(), "too many machines", status.FlightEvent{}, time.Now()))
		}, "stopped erasing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := failedJob(t, func(_ *releasing, j *store.Job) { j.Document.Sequence.Destructive = true })
			tt.change(t, r)
			_, failed := r.retry(api.Retry{Person: true})
			refused(t, tt.name, failed, api.CodeRefused, tt.want)
			if r.state() != store.JobFailed {
				t.Errorf("the job is %s", r.state())
			}
		})
	}
	r := failedJob(t, nil)
	for range 10 {
		if _, failed := r.retry(api.Retry{Person: true}); failed != nil {
			t.Fatal(failed)
		}
		r.fail()
	}
	_, failed := r.retry(api.Retry{Person: true})
	refused(t, "too often", failed, api.CodeRefused, "10 times")
}

// TestRetryNeedsTheJob: a job that the box itself ended does not go on, nor does one by the
// certificate of another.
func TestRetryNeedsTheJob(t *testing.T) {
	r := newRig(t)
	r.ward()
	cert, key := trusttest.Job(t, r.box, "a", time.Now())
	r.openJob("a", key)
	for _, end := range []store.JobState{store.JobAbandoned, store.JobHalted} {
		fatal(t, r.store.EndJob(t.Context(), "a", end, "x", time.Now()))
		if code, text := r.ask(cert, api.RouteRetry, `{"person":true}`); code < 400 {
			t.Errorf("%s: %d %s", end, code, text)
		}
	}
	if code, _ := r.ask(nil, api.RouteRetry, `{"person":true}`); code != 401 {
		t.Errorf("without a certificate: %d", code)
	}
}

// TestRetryTakesItsGrant: a grant that was given back is spent again; one that was withdrawn
// stands against it.
func TestRetryTakesItsGrant(t *testing.T) {
	for _, withdrawn := range []bool{false, true} {
		r := newReleasing(t, nil)
		r.wardOfWipes(1, 1, 1, time.Now())
		r.job = "job-w"
		fatal(t, r.store.OpenJob(t.Context(), store.Job{ID: r.job, Machine: "computer:C0", Computer: "C0", Name: "pc-0", Client: macOf(0), Key: "k9", Grant: "G0", Opened: time.Now(),
			Identity: api.Identity{MACs: []string{macOf(0)}}, Document: api.Job{ID: r.job, Advertisement: "A1", AdvertName: "Wipe the ward", Sequence: policy.Sequence{Digest: "d", Destructive: true}}}, ""))
		r.send(status.Message{ID: status.SequenceFailed})
		if used, err := r.store.UsedAmong(t.Context(), []string{"G0"}); err != nil || used["G0"] {
			t.Fatal(used, err)
		}
		if withdrawn {
			r.policy.Grants = nil
		}
		_, failed := r.retry(api.Retry{Person: true})
		used, err := r.store.UsedAmong(t.Context(), []string{"G0"})
		if err != nil || used["G0"] == withdrawn || (failed != nil) != withdrawn {
			t.Errorf("withdrawn %v: used %v, %v, %v", withdrawn, used, failed, err)
		}
		// The site is told, else it takes the grant for one that is still there.
		log, err := r.store.AuditLog(t.Context(), 10)
		fatal(t, err)
		told := ""
		for _, e := range log {
			if told == "" && e.Object == "G0" {
				told = e.What
			}
		}
		if want := map[bool]string{true: "grant-returned", false: "grant-used"}[withdrawn]; told != want {
			t.Errorf("withdrawn %v: the site heard %q last of the grant", withdrawn, told)
		}
	}
}

// TestRetryCounts: a job that nobody's number covers and that failed before its first write did
// not count as a wipe; where it is to go on it does, or a box could be led past its limit.
func TestRetryCounts(t *testing.T) {
	r := failedJob(t, func(_ *releasing, j *store.Job) { j.Document.Sequence.Destructive = true })
	limit := 1
	r.policy.Box.WipesPerHour = &limit
	other := store.Job{ID: "other", Machine: "other", Name: "other", Client: macOf(1), Key: "k2", Opened: time.Now().Add(-2 * time.Hour),
		Document: api.Job{ID: "other", Advertisement: "A1", Sequence: policy.Sequence{Destructive: true}}}
	fatal(t, r.store.OpenJob(t.Context(), other, ""))
	fatal(t, r.store.Erase(t.Context(), "other", "/dev/sda", status.FlightEvent{Client: macOf(1)}, time.Now()))
	_, failed := r.retry(api.Retry{Person: true})
	refused(t, "one machine more than may be erased", failed, api.CodeRefused, "stopped erasing")
	if why, err := r.p.Stopped(t.Context()); err != nil || why == "" || r.state() != store.JobFailed {
		t.Errorf("stopped %q, %v, the job is %s", why, err, r.state())
	}
}
