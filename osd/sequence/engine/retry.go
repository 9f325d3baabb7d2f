package engine

import "errors"

// Retry makes a state that failed go on at the node that failed: the groups around it are open
// again, and its outcome and theirs are forgotten. Variables stay as they are. The condition of
// the node is judged again. The end was reported: whoever takes the messages must take more of them.
//
// A step that a power cut ended in the middle runs again as well, whether it is marked rerunnable
// or not: who asks for it has decided so.
func (s *State) Retry() error {
	switch {
	case s.Ended != Failed && (s.Ended != "" || s.FailedAt < 1):
		return errors.New("task sequence: it did not fail, so there is nothing to try again")
	case s.FailedAt < 1:
		return errors.New("task sequence: the state does not say which step failed; begin it anew")
	}
	for _, number := range append([]int{s.FailedAt}, s.Open...) {
		s.forget(number)
	}
	s.Next, s.Ended = s.FailedAt, ""
	s.failing(0, 0, "")
	return nil
}
