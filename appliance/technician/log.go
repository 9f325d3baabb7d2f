package technician

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/joblog"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/status"
)

// serveLog sends the log of the last job of a computer, or of a job; with follow it
// goes on until the job has ended.
func (d *Desk) serveLog(c call, w http.ResponseWriter) *failure {
	ctx, q := c.r.Context(), c.r.URL.Query()
	offset, err := strconv.ParseInt(q.Get("offset"), 10, 64)
	if q.Get("offset") != "" && (err != nil || offset < 0) {
		return fail(api.CodeInvalid, "offset", "%q is no offset in a log", shown(q.Get("offset")))
	}
	follow := q.Get("follow") == "true"
	if follow {
		leave, f := d.streams.enter()
		if f != nil {
			return f
		}
		defer leave()
	}
	job, f := d.jobOf(c, c.r.PathValue("name"))
	if f != nil {
		return f
	}
	r := joblog.Reading{Job: job, Offset: offset, Beat: time.Minute, Pause: streamPause}
	if follow {
		r.Runs, r.Moved = func() bool { return d.runs(c, job) }, d.Store.Changed
	}
	begun := d.sendTo(w, c, &r)
	err = joblog.Follow(ctx, d.Logs, r)
	switch {
	case err == nil:
	case *begun: // a log that is not whole is not to end as one that is
		panic(http.ErrAbortHandler)
	case errors.Is(err, joblog.ErrNone):
		return fail(api.CodeNotFound, shown(c.r.PathValue("name")), "the box has no log of job %s", job).remedy("the agent sends it while it runs; it lies on the machine too: docs/status.md")
	default:
		return d.internal("read the log of a job", err)
	}
	return nil
}

// sendTo lets a log go to one who asks, while he may. begun says whether it has begun.
func (d *Desk) sendTo(w http.ResponseWriter, c call, r *joblog.Reading) (begun *bool) {
	begun = new(bool)
	control := http.NewResponseController(w)
	r.Begin = func(at int64) error {
		*begun = true
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set(api.LogJob, r.Job)
		w.Header().Set(api.LogOffset, strconv.FormatInt(at, 10))
		return nil
	}
	patience := func() { _ = control.SetWriteDeadline(time.Now().Add(slowReader)) } // not every ResponseWriter has deadlines
	r.Write = func(data []byte) error {
		patience()
		_, err := w.Write(data)
		return err
	}
	r.Idle = func() error {
		patience()
		err := control.Flush()
		_ = control.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream at its deadline even if nothing is written
		return err
	}
	r.Woken = func() error {
		patience()
		if _, f := d.admit(anyRight, c.r); f != nil {
			return f.Error
		}
		return nil
	}
	return begun
}

func (d *Desk) runs(c call, job string) bool {
	j, err := d.Store.Job(c.r.Context(), job)
	return err == nil && j.State == store.JobOpen
}

// jobOf finds the newest job of a computer, or the job of an ID.
func (d *Desk) jobOf(c call, named string) (string, *failure) {
	if d.Logs == nil {
		return "", fail(api.CodeNotFound, "log", "this box keeps no logs of jobs")
	}
	jobs, err := d.Store.JobStates(c.r.Context(), time.Time{})
	if err != nil {
		return "", d.internal("read the jobs", err)
	}
	i := slices.IndexFunc(jobs, func(j status.Job) bool { return j.Computer == named || j.Job == named })
	if i < 0 {
		return "", fail(api.CodeNotFound, shown(named), "the box knows no job of this computer, and none of this ID")
	}
	return jobs[i].Job, nil
}
