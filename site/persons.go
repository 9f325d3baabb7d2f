package site

import (
	"context"

	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

// personOf finds the administrator that a bearer token names. Tokens are
// looked up by their hash, so that time tells nothing of them.
func (s *Site) personOf(ctx context.Context, token string) (string, error) {
	var name string
	err := s.store.Read(ctx, func(x store.Tx) (err error) {
		c, err := x.Credential(trust.TokenHash(token), s.now())
		name = c.Person
		return err
	})
	return name, err
}
