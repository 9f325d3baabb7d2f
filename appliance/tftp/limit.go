package tftp

import (
	"net/netip"
	"sync"
)

// admit takes a place for the client, if it has one left.
func (s *Server) admit(client netip.Addr) bool {
	per, total := s.PerSource, s.Total
	if per <= 0 {
		per = DefaultPerSource
	}
	if total <= 0 {
		total = DefaultTotal
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		s.running = map[netip.Addr]int{}
	}
	if s.running[client] >= per || s.total >= total {
		return false
	}
	s.running[client]++
	s.total++
	return true
}

func (s *Server) leave(client netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.running[client]--; s.running[client] <= 0 {
		delete(s.running, client)
	}
}

// asked is a request as its client repeats it when no answer comes at once. GRUB does after
// 0.4 s, which a box that reads a file for the first time may take.
type asked struct {
	client netip.AddrPort
	name   string
}

// repeats says whether the file of the same request is being opened. Once something was
// sent it is not a repetition: a client that was restarted asks from the same port.
func (s *Server) repeats(a arrival, r request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opening[asked{a.client, r.name}]
}

// opens says that the file of a request is being opened, until the function that it
// returns is called.
func (s *Server) opens(a arrival, r request) func() {
	k := asked{a.client, r.name}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opening == nil {
		s.opening = map[asked]bool{}
	}
	s.opening[k] = true
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.opening, k)
	})
}
