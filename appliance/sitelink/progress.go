package sitelink

import (
	"time"
)

// SyncState is how far the box's content is.
type SyncState struct {
	Wanted, Held int64  // bytes
	Fetching     string // what is fetched now, "" if nothing is
	Rate         float64
	Left         time.Duration // 0 if not known
	Complete     bool          // everything that policy needs is there and was verified
	Err          error         // of the last pass
}

// begin counts what is there.
func (s *Syncer) begin(wanted []Wanted) {
	held, total := s.count(wanted)
	s.mu.Lock()
	s.begun, s.got = time.Now(), 0
	s.state.Wanted, s.state.Held = total, held
	s.state.Complete = held == total && s.state.Complete
	s.mu.Unlock()
	s.changed.Notify()
}

// count adds up bytes: of a version that is not whole, the bytes of its files
// that are.
func (s *Syncer) count(wanted []Wanted) (held, total int64) {
	for _, w := range wanted {
		total += w.Bytes
		if s.dir.Complete(w.Digest) {
			held += w.Bytes
		}
	}
	return held, total
}

func (s *Syncer) progress(name string, n int64) {
	s.mu.Lock()
	s.got += n
	st := &s.state
	st.Fetching = name
	st.Held = min(st.Held+n, st.Wanted)
	if took := time.Since(s.begun).Seconds(); took > 0.5 && s.got > 0 {
		st.Rate = float64(s.got) / took
		st.Left = time.Duration(float64(st.Wanted-st.Held) / st.Rate * float64(time.Second))
	}
	tell := time.Since(s.told) >= time.Second
	if tell {
		s.told = time.Now()
	}
	s.mu.Unlock()
	if tell {
		s.changed.Notify()
	}
}

func (s *Syncer) end(wanted []Wanted, err error) {
	held, total := s.count(wanted)
	s.mu.Lock()
	s.state = SyncState{Wanted: total, Held: held, Complete: err == nil, Err: err}
	s.mu.Unlock()
	s.changed.Notify()
}
