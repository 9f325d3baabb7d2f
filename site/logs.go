package site

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
)

// Logs of jobs lie at boxes, and boxes cannot be reached (docs/decisions/0038): what a
// viewer wants is told to the box in the answer to its question for policy, and the box
// sends it in a request of its own, which is handed to the viewer. Nothing is kept, and
// all of it is in memory: who waits when the site stops asks again.

const (
	maxLogs      = 64 // that are wanted or sent at once
	maxLogsOfBox = 4
	maxLogBytes  = 64 << 20         // of one answer; more than a box keeps of a job
	logPatience  = 20 * time.Second // until a box has begun, and between two of its beats
	logTime      = time.Hour        // of one answer; who follows asks again
)

// logRelay brings those who want a log and the boxes that have it together.
type logRelay struct {
	patience time.Duration
	longest  int // bytes of one answer

	mu     sync.Mutex
	all    int
	of     map[string]int                    // by box: that are wanted or sent
	wishes map[string]*logWish               // by ID, until the box takes them
	polls  map[string]map[chan struct{}]bool // by box: its open questions for policy
}

func newLogRelay() *logRelay {
	return &logRelay{patience: logPatience, longest: maxLogBytes, of: map[string]int{}, wishes: map[string]*logWish{}, polls: map[string]map[chan struct{}]bool{}}
}

// logWish is a log that one viewer wants of one box.
type logWish struct {
	api.LogWanted
	box  string
	told bool
	// sent has room for the box's request; done is closed when the viewer needs it no more.
	sent chan sentLog
	done chan struct{}
}

// want asks a box for a log. The wish must be forgotten.
func (l *logRelay) want(box string, w api.LogWanted) (*logWish, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxLogs || l.of[box] >= maxLogsOfBox {
		return nil, api.Errorf(api.CodeTooMany, "logs", "%d logs are looked at, %d of them of this box", l.all, l.of[box]).WithRemedy("end one, or try again later")
	}
	w.ID = rand.Text()
	wish := &logWish{LogWanted: w, box: box, sent: make(chan sentLog, 1), done: make(chan struct{})}
	l.all++
	l.of[box]++
	l.wishes[w.ID] = wish
	for poll := range l.polls[box] {
		close(poll)
	}
	delete(l.polls, box)
	return wish, nil
}

// forget ends a wish: the box that sends the log stops.
func (l *logRelay) forget(w *logWish) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(w.done)
	delete(l.wishes, w.ID)
	l.all--
	if l.of[w.box]--; l.of[w.box] == 0 {
		delete(l.of, w.box)
	}
}

// take gives a box a wish to answer, once; nil where nobody wants that of this box.
func (l *logRelay) take(box, id string) *logWish {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.wishes[id]
	if w == nil || w.box != box {
		return nil
	}
	delete(l.wishes, id)
	return w
}

// poll returns a channel that is closed when there is a wish that the box was not told.
func (l *logRelay) poll(box string) (wanted <-chan struct{}, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	poll := make(chan struct{})
	for _, w := range l.wishes {
		if w.box == box && !w.told {
			close(poll)
			return poll, func() {}
		}
	}
	if l.polls[box] == nil {
		l.polls[box] = map[chan struct{}]bool{}
	}
	l.polls[box][poll] = true
	return poll, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if delete(l.polls[box], poll); len(l.polls[box]) == 0 {
			delete(l.polls, box)
		}
	}
}

// polled says whether the box waits for an answer now.
func (l *logRelay) polled(box string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.polls[box]) > 0
}

// tell lists what a box is to be told: all that it has not taken, for an answer before
// may have been lost.
func (l *logRelay) tell(box string) []api.LogWanted {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []api.LogWanted
	for _, w := range l.wishes {
		if w.box == box {
			w.told = true
			all = append(all, w.LogWanted)
		}
	}
	return all
}
