package managementpoint

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/joblog"
)

// Logs keeps what agents send of their logs. It may be called by several goroutines at
// once.
type Logs interface {
	// Append keeps bytes that begin at an offset, and returns the offset that is wanted
	// next. gap says that what lies before is gone. joblog.ErrTooLong: no more is taken.
	Append(job string, offset int64, gap bool, data []byte) (next int64, err error)
}

// How fast logs are taken, of all jobs together: they are shown, and never needed.
const (
	logRate  = 50 // requests a second
	logBurst = 200
)

// logLimit is made at its first use.
func (p *Point) logLimit() *rate.Limiter {
	p.logsOnce.Do(func() { p.logs = rate.NewLimiter(logRate, logBurst) })
	return p.logs
}

// serveLog takes a part of a job's log: ?offset= says where it begins, ?gap=true that
// the agent has nothing before it any more. Without bytes it is a question.
func (p *Point) serveLog(c call) (any, *api.Error) {
	if p.Logs == nil {
		return nil, api.Errorf(api.CodeNotFound, "log", "this box keeps no logs of jobs")
	}
	if !p.logLimit().AllowN(time.Now(), 1) {
		c.w.Header().Set("Retry-After", "2")
		return nil, api.Errorf(api.CodeTooMany, "log", "too many parts of logs come at once")
	}
	q := c.r.URL.Query()
	offset, err := strconv.ParseInt(q.Get("offset"), 10, 64)
	if err != nil || offset < 0 {
		return nil, api.Errorf(api.CodeInvalid, "offset", "%.32q is no offset in a log", q.Get("offset"))
	}
	data, err := io.ReadAll(c.r.Body)
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return nil, api.Errorf(api.CodeInvalid, "body", "a part of a log has at most %d bytes", big.Limit)
	} else if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "body", "it broke off")
	}
	next, err := p.Logs.Append(c.job.ID, offset, q.Get("gap") == "true", data)
	switch {
	case errors.Is(err, joblog.ErrTooLong):
		return nil, api.Errorf(api.CodeRefused, c.job.ID, "%v", err)
	case err != nil:
		return nil, internal(err)
	}
	return api.LogAck{Next: next}, nil
}
