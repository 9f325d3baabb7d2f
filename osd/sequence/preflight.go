package sequence

import (
	"errors"
	"fmt"
)

// Supported is an error if this version cannot run steps of the type.
func (t Type) Supported() error {
	if missing := t.Missing(); missing != "" {
		return fmt.Errorf("a step of type %s cannot run: this version lacks %s", t.Guide(), missing)
	}
	return nil
}

// Preflight refuses a sequence that would come to a step that this version cannot run, whatever
// the machine is: neither it nor a group around it is disabled or has a condition. All such steps
// are named. Others fail when they are reached.
func (s *Sequence) Preflight() error {
	certain := map[int]bool{0: true}
	var errs []error
	for _, l := range s.Flatten() {
		if l.Node.Group != nil {
			certain[l.Number] = certain[l.Parent] && !l.Node.Group.Disabled && l.Node.Group.Condition == nil
			continue
		}
		o := l.Node.Step.Common()
		if !certain[l.Parent] || o.Disabled || o.Condition != nil {
			continue
		}
		if err := l.Node.Step.Type().Supported(); err != nil {
			errs = append(errs, fmt.Errorf("step %d %q: %w", l.Number, l.Name(), err))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("task sequence %q does not begin, and nothing was changed; disable these steps or give them conditions: %w", s.Name, errors.Join(errs...))
}
