package site

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

// demand is what a person needs for a route, besides being signed in. The zero
// value is a demand that nobody meets: a route that says nothing lets nobody in.
type demand struct {
	text  string // for people: the document of the routes
	check func(w world, r *http.Request) error
}

// signedIn wants no right. The route tells what everybody may know of himself.
func signedIn() demand {
	return demand{"nothing: every person", func(world, *http.Request) error { return nil }}
}

// filtered wants any right at all: the handler leaves out of its answer what the
// viewer may not see.
func filtered() demand {
	return demand{"see: the answer holds what you may see", some(osd.See)}
}

// byObject wants a permission on anything, and leaves the rest to the transaction
// of the handler, which knows the objects that the body names.
func byObject(do osd.Permission, text string) demand { return demand{text, some(do)} }

// some wants a permission on whatever it may be.
func some(do osd.Permission) func(w world, r *http.Request) error {
	return func(w world, r *http.Request) error {
		allows := func(right osd.Right) bool { return do == osd.See || slices.Contains(right.Allow, do) }
		if w.administrator() || w.viewer != nil && slices.ContainsFunc(w.viewer.Rights, allows) {
			return nil
		}
		return api.Errorf(api.CodeForbidden, r.URL.Path, "you may %s nothing", do).
			WithRemedy("ask an administrator for the right `%s` on what you are to work with", do)
	}
}

// administrators wants the role.
func administrators() demand {
	return demand{"the role administrator", func(w world, r *http.Request) error {
		if w.administrator() {
			return nil
		}
		return api.Errorf(api.CodeForbidden, r.URL.Path, "this is for administrators").WithRemedy("ask one; you would need the role %s", osd.RoleAdministrator)
	}}
}

// on wants a permission on the object of {name}, which is of a kind, or of that
// of {kind}. What the person may not see is not there.
func on(do osd.Permission, kind osd.Kind) demand {
	return demand{string(do) + " on the " + cmp.Or(string(kind), "object"), func(w world, r *http.Request) error {
		k := kind
		if k == "" {
			var err error
			if k, err = kindOf(r); err != nil {
				return err
			}
		}
		o := w.look(k, r.PathValue("name"))
		if o == nil {
			return notThere(k, r.PathValue("name"))
		}
		return w.need(do, o)
	}}
}

// notThere is the answer about what does not exist, and about what one may not see.
func notThere(k osd.Kind, name string) *api.Error {
	return api.Errorf(api.CodeNotFound, fmt.Sprintf("%s %q", k, name), "there is none of this name or id").WithRemedy("`bootward %s list` shows those that are there", k.Word())
}

// deployTo wants deploy on the collection of the advertisement of {name}.
func deployTo() demand {
	return demand{"deploy on the collection of the advertisement", func(w world, r *http.Request) error {
		a, ok := w.look(osd.KindAdvertisement, r.PathValue("name")).(*osd.Advertisement)
		if !ok {
			return on(osd.See, osd.KindAdvertisement).check(w, r)
		}
		if c := w.collection(a.Collection); c != nil && !w.can(osd.Deploy, c) {
			return forbidden(osd.Deploy, w.named(c))
		}
		return nil
	}}
}

// ownOrAdministrator wants the route to be about the person himself, or an
// administrator.
func ownOrAdministrator() demand {
	return demand{"to be that person, or an administrator", func(w world, r *http.Request) error {
		_, err := w.prover(r.PathValue("name"))
		return err
	}}
}

// bringContent wants change on something that content can be imported for: files are
// sent before it is known what they belong to.
func bringContent() demand {
	return demand{"change on a Package, Image or BootImage", func(w world, r *http.Request) error {
		if w.administrator() || w.viewer != nil && slices.ContainsFunc(w.viewer.Rights, bringsContent) {
			return nil
		}
		return api.Errorf(api.CodeForbidden, r.URL.Path, "you may not bring in content").
			WithRemedy("ask an administrator for the right `%s` on a Package, Image or BootImage", osd.Change)
	}}
}

func bringsContent(r osd.Right) bool {
	return slices.Contains(r.Allow, osd.Change) && r.Collection == "" && (r.Kind == "" || slices.Contains(contentKinds, r.Kind))
}
