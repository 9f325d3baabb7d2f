package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
)

// Delete removes an object that nothing refers to. A box that is deleted is
// enrolled no longer; a person who is deleted cannot sign in.
func (s *Site) Delete(ctx context.Context, who string, kind osd.Kind, nameOrID string) error {
	return s.write(ctx, func(x store.Tx) error {
		w, err := s.loadWorld(x)
		if err != nil {
			return err
		}
		o, err := w.as(who).deletable(x, kind, nameOrID)
		if err != nil {
			return err
		}
		id := meta(o).ID
		switch kind {
		case osd.KindBox:
			err = x.DeleteBox(id)
		case osd.KindPerson:
			err = x.DeleteCredentials(o.ObjectName(), "")
		}
		return errors.Join(err, x.DeleteObject(id), forgetValues(x, kind, id), s.audit(x, who, "delete", title(o), id))
	})
}

// Deletion is what Delete would do, and the same refusals.
func (s *Site) Deletion(ctx context.Context, who string, kind osd.Kind, nameOrID string) (*api.Applied, error) {
	out := &api.Applied{DryRun: true}
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		o, err := w.deletable(x, kind, nameOrID)
		if err != nil {
			return err
		}
		notes, err := s.goesWith(x, w, o)
		out.Changes = []api.Change{{Kind: string(kind), Name: o.ObjectName(), ID: meta(o).ID, Action: actionDelete, Notes: notes}}
		return err
	})
	return out, err
}

// deletable finds the object that the viewer may delete now.
func (w world) deletable(x store.Objects, kind osd.Kind, nameOrID string) (osd.Object, error) {
	r, err := x.Object(kind, nameOrID)
	if err != nil {
		return nil, err
	}
	o := w.kinds[kind][r.Name]
	if err := w.need(osd.Change, o); err != nil {
		return nil, err
	}
	if by := w.referrers(o); len(by) > 0 {
		return nil, api.Errorf(api.CodeConflict, title(o), "is used by %s", strings.Join(by, ", ")).
			WithRemedy("change or delete those first")
	}
	if kind == osd.KindPerson && slices.Equal(w.administrators(), []string{r.ID}) {
		return nil, lastAdministrator(title(o))
	}
	return o, nil
}

// goesWith says what is lost with an object.
func (s *Site) goesWith(x store.Tx, w world, o osd.Object) ([]string, error) {
	switch o := o.(type) {
	case *osd.Computer:
		open, err := s.openGrants(x)
		return counted(open[o.ID], "grants that were not used are void"), err
	case *osd.Person:
		good := slices.DeleteFunc(slices.Clone(w.credentials[o.ID]), func(c store.Credential) bool { return !good(c, w.now) })
		return counted(len(good), "tokens and certificates are void"), nil
	case *osd.Box:
		_, err := x.Box(o.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return []string{"its enrolment ends: it gets neither policy nor content from then on, until it is enrolled anew"}, err
	case *osd.Secret:
		return []string{"its value is forgotten, and nobody can bring it back"}, nil
	}
	return nil, nil
}

func counted(n int, what string) []string {
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d %s", n, what)}
}

func (s *Site) deleteObject(w http.ResponseWriter, r *http.Request, c caller) error {
	k, err := kindOf(r)
	if err != nil {
		return err
	}
	if err := s.Delete(r.Context(), c.person, k, r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Site) getDeletion(w http.ResponseWriter, r *http.Request, c caller) error {
	k, err := kindOf(r)
	if err != nil {
		return err
	}
	out, err := s.Deletion(r.Context(), c.person, k, r.PathValue("name"))
	return answer(w, out, err)
}
