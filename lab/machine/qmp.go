package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Event is something that QEMU reports: RESET, SHUTDOWN, POWERDOWN, STOP, RESUME, GUEST_PANICKED, …
type Event struct {
	Name string
	At   time.Duration   // since power-on
	Data json.RawMessage // as QEMU's QMP reference describes it for this event; may be nil
}

// Reason is the field of that name in the event's data, such as guest-shutdown or guest-reset.
func (e Event) Reason() string {
	var data struct{ Reason string }
	if json.Unmarshal(e.Data, &data) != nil {
		return ""
	}
	return data.Reason
}

var errQMPClosed = errors.New("QEMU closed its monitor")

// qmp is a client of the QEMU Machine Protocol. Several commands may be under way at once.
type qmp struct {
	conn   io.ReadWriter
	events *journal[Event]
	now    func() time.Duration

	mu      sync.Mutex
	next    int
	waiting map[int]chan<- qmpMessage
	closed  bool
}

type qmpMessage struct {
	ID     *int            `json:"id"`
	Event  string          `json:"event"`
	Data   json.RawMessage `json:"data"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
}

func newQMP(conn io.ReadWriter, now func() time.Duration) *qmp {
	return &qmp{conn: conn, events: newJournal[Event](), now: now, waiting: map[int]chan<- qmpMessage{}}
}

// read serves the connection until it ends. Messages that it does not know (the greeting) are passed over.
func (q *qmp) read() {
	defer q.end()
	decoder := json.NewDecoder(q.conn)
	for {
		var m qmpMessage
		if decoder.Decode(&m) != nil {
			return
		}
		switch {
		case m.Event != "":
			q.events.add(Event{Name: m.Event, At: q.now(), Data: m.Data})
		case m.ID != nil:
			q.answer(m)
		}
	}
}

func (q *qmp) answer(m qmpMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c, ok := q.waiting[*m.ID]; ok {
		c <- m
		delete(q.waiting, *m.ID)
	}
}

func (q *qmp) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for id, c := range q.waiting {
		close(c)
		delete(q.waiting, id)
	}
	q.events.close()
}

// run sends a command without arguments and returns what QEMU answered.
func (q *qmp) run(ctx context.Context, command string) (json.RawMessage, error) {
	return q.runWith(ctx, command, nil)
}

// runWith is run with arguments, which JSON can express; nil: none.
func (q *qmp) runWith(ctx context.Context, command string, arguments any) (json.RawMessage, error) {
	id, answer, err := q.send(command, arguments)
	if err != nil {
		return nil, fmt.Errorf("QMP %s: %w", command, err)
	}
	select {
	case m, ok := <-answer:
		if !ok {
			return nil, fmt.Errorf("QMP %s: %w", command, errQMPClosed)
		}
		if m.Error != nil {
			return nil, fmt.Errorf("QMP %s: %s: %s", command, m.Error.Class, m.Error.Desc)
		}
		return m.Return, nil
	case <-ctx.Done():
		q.mu.Lock()
		delete(q.waiting, id)
		q.mu.Unlock()
		return nil, fmt.Errorf("QMP %s: %w", command, ctx.Err())
	}
}

func (q *qmp) send(command string, arguments any) (int, <-chan qmpMessage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, nil, errQMPClosed
	}
	q.next++
	line, err := json.Marshal(struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments,omitempty"`
		ID        int    `json:"id"`
	}{command, arguments, q.next})
	if err != nil {
		return 0, nil, err
	}
	answer := make(chan qmpMessage, 1)
	q.waiting[q.next] = answer
	if _, err := q.conn.Write(append(line, '\n')); err != nil {
		delete(q.waiting, q.next)
		return 0, nil, err
	}
	return q.next, answer, nil
}
