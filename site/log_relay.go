package site

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/eventstream"
	"github.com/bootward/bootward/site/store"
)

// sentLog is the request of a box that sends a log. Its handler waits while the viewer's
// reads from it, so there is no buffer between box and viewer: a viewer who is slow slows
// the box down.
type sentLog struct {
	refused *api.Error // why there is none
	body    io.Reader
	control *http.ResponseController
	offset  int64 // of the first byte
}

// postBoxLog hands what a box sends to the viewer who asked for it, until one of them
// ends it.
func (s *Site) postBoxLog(w http.ResponseWriter, r *http.Request, c caller) error {
	control := http.NewResponseController(w)
	// What the box still sends is not waited for: it learns at once that nobody wants it. The
	// connection is of no use for another request then.
	w.Header().Set("Connection", "close")
	defer func() { _ = control.SetReadDeadline(time.Unix(1, 0)) }()
	wish := s.logs.take(c.box.ID, r.PathValue("id"))
	if wish == nil {
		return api.Errorf(api.CodeNotFound, "log", "nobody asked this box for it, or waits for it any longer")
	}
	sent := sentLog{body: r.Body, control: control}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == api.ProblemType {
		if err := control.SetReadDeadline(time.Now().Add(s.logs.patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		sent.refused = refusalOf(r.Body)
	} else if n, err := strconv.ParseInt(r.Header.Get(api.LogOffset), 10, 64); err == nil && n >= 0 {
		sent.offset = n
	} else {
		sent.refused = api.Errorf(api.CodeInternal, "log", "it does not say where in the log its first byte stands")
	}
	wish.sent <- sent
	<-wish.done
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// refusals are the codes by which a box may say why it has no log.
var refusals = []api.Code{api.CodeNotFound, api.CodeTooMany, api.CodeUnavailable}

// refusalOf reads why a box has no log. A box is believed what it says of itself, in few
// printable words.
func refusalOf(body io.Reader) *api.Error {
	var said api.Error
	if err := json.NewDecoder(io.LimitReader(body, smallBody)).Decode(&said); err != nil {
		return api.Errorf(api.CodeInternal, "log", "what cannot be read")
	}
	if !slices.Contains(refusals, said.Code) {
		said.Code = api.CodeInternal
	}
	return api.Errorf(said.Code, "log", "%.256s", strings.Map(printable, said.Detail))
}

func printable(r rune) rune {
	if strconv.IsPrint(r) {
		return r
	}
	return ' '
}

// relayedLog is a log on its way from a box to a viewer.
type relayedLog struct {
	boxLog
	site   *Site
	viewer string
	r      *http.Request
	w      http.ResponseWriter
	sent   sentLog
	proven time.Time // when it was looked at last whether the viewer may see it
}

// run copies what the box sends until it is at its end or ctx is. What goes wrong behind
// the beginning is told in a trailer.
func (l *relayedLog) run(ctx context.Context) error {
	l.proven = l.site.now()
	ended := context.AfterFunc(ctx, func() { _ = l.sent.control.SetReadDeadline(time.Unix(1, 0)) })
	defer ended()
	text, err := gzip.NewReader(&boxReader{ctx, l})
	if err != nil {
		return l.broke(ctx, err)
	}
	text.Multistream(false)
	head := l.w.Header()
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no")
	head.Set("Trailer", api.LogBroken)
	head.Set(api.LogJob, l.job.Job)
	head.Set(api.LogOffset, strconv.FormatInt(l.sent.offset, 10))
	l.w.WriteHeader(http.StatusOK)
	if err := l.copy(text); err != nil {
		why, err := json.Marshal(l.broke(ctx, err))
		if err != nil {
			return err
		}
		head.Set(api.LogBroken, string(why))
	}
	return nil
}

// copy gives the viewer each part as it comes. He has time to take it from when there is something:
// a log may be silent for long, and HTTP/2 ends a stream at its deadline even if nothing is written.
func (l *relayedLog) copy(from io.Reader) error {
	viewer := http.NewResponseController(l.w)
	part := make([]byte, 32<<10)
	for total := 0; ; {
		if err := errors.Join(writeUntil(viewer, time.Now().Add(slowReader)), viewer.Flush()); err != nil {
			return err
		}
		if err := writeUntil(viewer, time.Time{}); err != nil {
			return err
		}
		n, err := from.Read(part)
		if late := writeUntil(viewer, time.Now().Add(slowReader)); late != nil {
			return late
		}
		if total += n; total > l.site.logs.longest {
			return api.Errorf(api.CodeRefused, l.object(), "it is longer than %d bytes", l.site.logs.longest)
		}
		if _, err := l.w.Write(part[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// writeUntil sets until when an answer may be written; the zero time is for ever.
func writeUntil(c *http.ResponseController, end time.Time) error {
	if err := c.SetWriteDeadline(end); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// broke says why a log is not whole.
func (l *relayedLog) broke(ctx context.Context, err error) *api.Error {
	var told *api.Error
	switch {
	case errors.As(err, &told):
		return told
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return api.Errorf(api.CodeUnavailable, l.object(), "it was looked at for %v", logTime).WithRemedy("ask again from where it stopped")
	case ctx.Err() != nil:
		return api.Errorf(api.CodeUnavailable, l.object(), "%v", errStopping)
	}
	l.site.log.Info("a log that a box sends broke off", "box", l.box, "job", l.job.Job, "error", err)
	return l.fault(api.CodeUnavailable, "is gone in the middle of it")
}

// boxReader reads what a box sends. The box beats, so that it is known when it has gone;
// and behind a beat it is looked at again whether the viewer may still see it.
type boxReader struct {
	ctx context.Context
	l   *relayedLog
}

func (b *boxReader) Read(p []byte) (int, error) {
	l := b.l
	if now := l.site.now(); now.Sub(l.proven) >= eventstream.Beat {
		if err := l.prove(b.ctx); err != nil {
			return 0, err
		}
		l.proven = now
	}
	if err := l.sent.control.SetReadDeadline(time.Now().Add(l.site.logs.patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	if b.ctx.Err() != nil { // it may have ended before the deadline was set anew
		return 0, b.ctx.Err()
	}
	return l.sent.body.Read(p)
}

// prove finds out again who the viewer is, and whether he may see the computer.
func (l *relayedLog) prove(ctx context.Context) error {
	c, _, err := l.site.identify(ctx, l.r)
	if err != nil {
		return err
	}
	gone := api.Errorf(api.CodeUnauthorized, l.object(), "you are signed out, or may not see it any more")
	if c.person != l.viewer {
		return gone
	}
	return l.site.see(ctx, l.viewer, func(_ store.Tx, w world) error {
		if w.viewer == nil || w.viewer.Disabled || !w.seesComputer(l.job.Computer) {
			return gone
		}
		return nil
	})
}
