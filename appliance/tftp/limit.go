package tftp

import "net/netip"

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
