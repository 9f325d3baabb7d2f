package osd

import "errors"

// Secret is something that a step needs and nobody else may read: a password
// for joining a domain, a product key, an administrator's password. The object
// is its name; the value is kept apart, sealed, and released once to the job
// that stands at the step which names it.
type Secret struct {
	Meta `yaml:",inline"`
}

// ObjectKind implements Object.
func (s *Secret) ObjectKind() Kind { return KindSecret }

// Validate implements Object.
func (s *Secret) Validate() error { return errors.Join(s.validate()...) }
