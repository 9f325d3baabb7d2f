package site

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/site/store"
)

// Credentials lists the tokens and certificates of a person that have not ended:
// the token first, then certificates as they were made. What would prove anything
// is not in it.
func (s *Site) Credentials(ctx context.Context, who, name string) (*api.Credentials, error) {
	out := &api.Credentials{Credentials: []api.Credential{}}
	err := s.see(ctx, who, func(_ store.Tx, w world) error {
		p, err := w.prover(name)
		if err != nil {
			return err
		}
		out.Person, out.Disabled = p.Name, p.Disabled
		for _, c := range w.credentials[p.ID] {
			if good(c, w.now) {
				out.Credentials = append(out.Credentials, api.Credential{Kind: c.Kind, Serial: c.Serial, MadeAt: c.MadeAt, MadeBy: c.MadeBy, ExpiresAt: c.ExpiresAt})
			}
		}
		slices.SortStableFunc(out.Credentials, func(a, b api.Credential) int {
			return cmp.Or(strings.Compare(b.Kind, a.Kind), a.MadeAt.Compare(b.MadeAt))
		})
		return nil
	})
	return out, err
}

func (s *Site) getCredentials(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.Credentials(r.Context(), c.person, r.PathValue("name"))
	return answer(w, out, err)
}
