package sitelink

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
)

const (
	maxLogs = 8 // that are sent at once
	logTime = time.Hour + time.Minute
)

// JobLog writes the log of a job to the end, or until ctx ends. It calls begin once before
// the first byte with its offset, and flushes what it got when there is no more for now,
// and each api.LogBeat from then on. A *api.Error says why there is no log.
type JobLog func(ctx context.Context, wanted api.LogWanted, begin func(at int64) (LogWriter, error)) error

// LogWriter takes a log. An error says that nobody wants more of it.
type LogWriter interface {
	io.Writer
	Flush() error
}

// logsWanted are the logs that the site asks for, which nobody has looked at yet.
type logsWanted struct {
	mu      sync.Mutex
	waiting []api.LogWanted
	known   map[string]bool // those, and those that are sent
	changed supervisor.Signal
}

// add takes what the site says in the answer to a poll; what it says again counts once. What
// is too much is dropped: the site says it again.
func (l *logsWanted) add(header string) error {
	if header == "" {
		return nil
	}
	var all []api.LogWanted
	if err := json.Unmarshal([]byte(header), &all); err != nil {
		return fmt.Errorf("%s: %w", api.LogsWanted, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range all {
		if !l.known[w.ID] && len(l.known) < 2*maxLogs {
			if l.known == nil {
				l.known = map[string]bool{}
			}
			l.known[w.ID] = true
			l.waiting = append(l.waiting, w)
		}
	}
	l.changed.Notify()
	return nil
}

// take returns what waits, and whether each may be sent now.
func (l *logsWanted) take() (all []api.LogWanted, sending int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, l.waiting = l.waiting, nil
	return all, len(l.known) - len(all)
}

func (l *logsWanted) done(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, id)
}

// SendLogs returns the service that sends the logs that the site asks for: each in a request
// of its own, while the site takes it.
func (l *Link) SendLogs(read JobLog, log *slog.Logger) supervisor.Service {
	return supervisor.Func(func(ctx context.Context) error {
		if l.enrolled(ctx) == nil {
			return nil
		}
		var work sync.WaitGroup
		defer work.Wait()
		for {
			changed := l.logs.changed.Changed()
			all, sending := l.logs.take()
			for i, w := range all {
				one := read
				if sending+i >= maxLogs {
					one = tooMany
				}
				work.Go(func() {
					defer l.logs.done(w.ID)
					log.Info("the site asks for a log", "job", w.Job, "follow", w.Follow)
					err := l.sendLog(ctx, w, one)
					log.Info("the site has what it wants of a log", "job", w.Job, "error", err)
				})
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return nil
			}
		}
	})
}

func tooMany(context.Context, api.LogWanted, func(int64) (LogWriter, error)) error {
	return api.Errorf(api.CodeTooMany, "log", "it sends %d logs already", maxLogs)
}

// sendLog sends one log, or says why there is none.
func (l *Link) sendLog(ctx context.Context, w api.LogWanted, read JobLog) error {
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	go l.cutWith(ctx, cancel)
	s := &logSender{link: l, id: w.ID, stop: cancel, ended: make(chan error, 1)}
	err := read(ctx, w, func(at int64) (LogWriter, error) { return s, s.begin(ctx, at) })
	if s.pipe != nil {
		return s.end(ctx, err)
	}
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	refused := (*api.Error)(nil)
	if !errors.As(err, &refused) {
		refused = api.Errorf(api.CodeUnavailable, w.Job, "%v", err)
	}
	raw, err := json.Marshal(refused)
	if err != nil {
		return err
	}
	ctx, cancelRefusal := context.WithTimeout(ctx, exchangeTime)
	defer cancelRefusal()
	return l.postLog(ctx, w.ID, http.Header{"Content-Type": {api.ProblemType}}, bytes.NewReader(raw))
}

// cutWith ends a log when an exchange with the site fails: what went before it into a
// line that is cut would hold its place for long.
func (l *Link) cutWith(ctx context.Context, cancel func()) {
	for {
		changed := l.Changed()
		if _, failure := l.Line(); failure != nil {
			cancel()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (l *Link) postLog(ctx context.Context, id string, head http.Header, body io.Reader) error {
	method, path, _ := strings.Cut(strings.Replace(api.RouteBoxSendLog, "{id}", id, 1), " ")
	r, err := http.NewRequestWithContext(ctx, method, l.o.Site.String()+path, body)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	r.Header = head
	resp, err := l.httpClient().Do(r)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	err = errors.Join(err, resp.Body.Close())
	if resp.StatusCode >= 300 {
		return fmt.Errorf("log: %w", problem(resp, answer))
	}
	return err
}

// logSender is a log on its way to the site, packed.
type logSender struct {
	link  *Link
	id    string
	stop  func()
	pipe  *io.PipeWriter
	zip   *gzip.Writer
	ended chan error // the site has answered
}

// begin opens the request. Its answer, which comes when nobody wants more, ends the reading.
func (s *logSender) begin(ctx context.Context, at int64) error {
	var body *io.PipeReader
	body, s.pipe = io.Pipe()
	s.zip = gzip.NewWriter(s.pipe)
	head := http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Content-Encoding": {"gzip"}, api.LogOffset: {strconv.FormatInt(at, 10)}}
	go func() {
		err := s.link.postLog(ctx, s.id, head, body)
		s.ended <- errors.Join(err, body.CloseWithError(errUnwanted))
		s.stop()
	}()
	return s.Flush()
}

var errUnwanted = errors.New("the site wants no more of it")

func (s *logSender) Write(p []byte) (int, error) { return s.zip.Write(p) }
func (s *logSender) Flush() error                { return s.zip.Flush() }

// end ends the request: a log that is not whole breaks off.
func (s *logSender) end(ctx context.Context, err error) error {
	if err == nil && ctx.Err() == nil {
		err = errors.Join(s.zip.Close(), s.pipe.Close())
	} else {
		_ = s.pipe.CloseWithError(errors.New("the log broke off")) // never fails
	}
	if answer := <-s.ended; answer == nil && (err == nil || errors.Is(err, errUnwanted)) {
		return nil
	} else if answer != nil {
		return answer
	}
	return err
}
