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
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/status"
)

// Logs are the logs of jobs. It may be called by several goroutines at once.
type Logs interface {
	// Read returns bytes from an offset on, and the offset of the first, which is a
	// later one where those before are gone; none behind the end. joblog.ErrNone.
	Read(job string, offset int64) (data []byte, at int64, err error)
	// Changed is closed when something was added to any log.
	Changed() <-chan struct{}
}

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
	data, at, err := d.Logs.Read(job, offset)
	if errors.Is(err, joblog.ErrNone) {
		return fail(api.CodeNotFound, shown(c.r.PathValue("name")), "the box has no log of job %s", job).remedy("the agent sends it while it runs; it lies on the machine too: docs/status.md")
	} else if err != nil {
		return d.internal("read the log of a job", err)
	}
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set(api.LogJob, job)
	w.Header().Set(api.LogOffset, strconv.FormatInt(at, 10))
	for {
		_ = control.SetWriteDeadline(time.Now().Add(slowReader)) // not every ResponseWriter has deadlines
		if _, err := w.Write(data); err != nil {
			return nil // the reader has gone
		}
		offset = at + int64(len(data))
		added, kept := d.Logs.Changed(), d.Store.Changed()
		over := !follow || !d.runs(c, job)
		if data, at, err = d.Logs.Read(job, offset); err != nil {
			panic(http.ErrAbortHandler) // broken off, so that nobody takes it for the end
		}
		if len(data) > 0 {
			continue
		}
		if over {
			return nil
		}
		if err := control.Flush(); err != nil {
			return nil
		}
		if !supervisor.Sleep(ctx, streamPause) {
			return nil
		}
		select {
		case <-added:
		case <-kept: // the job may have ended
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return nil
		}
		if _, f := d.admit(anyRight, c.r); f != nil {
			panic(http.ErrAbortHandler)
		}
	}
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
