package supervisor

import "sync"

// Signal wakes everybody who waits for a change. The zero value is ready.
type Signal struct {
	mu sync.Mutex
	c  chan struct{}
}

// Changed returns a channel that is closed at the next Notify. Take it before
// looking at what may have changed, so that nothing is missed.
func (s *Signal) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c == nil {
		s.c = make(chan struct{})
	}
	return s.c
}

// Notify wakes those that wait now.
func (s *Signal) Notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c != nil {
		close(s.c)
		s.c = nil
	}
}
