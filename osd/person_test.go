package osd

import (
	"errors"
	"testing"
)

func TestPersonValidate(t *testing.T) {
	for _, c := range []struct {
		name, field string
		p           Person
	}{
		{"administrator", "", Person{Meta: Meta{Name: "ann"}, Role: RoleAdministrator}},
		{"with rights", "", Person{Meta: Meta{Name: "ben"}, Rights: []Right{{Allow: []Permission{See, Deploy}, Kind: KindCollection, Name: "Ward 7"}}}},
		{"technician", "", Person{Meta: Meta{Name: "tom"}, Technician: &Technician{Boxes: []string{AnyBox}, May: []string{MayApprove}}}},
		{"name", "name", Person{Meta: Meta{Name: "ann.bee"}}},
		{"role", "role", Person{Meta: Meta{Name: "ann"}, Role: "root"}},
		{"right to nothing", "rights[0].allow", Person{Meta: Meta{Name: "ann"}, Rights: []Right{{}}}},
		{"permission", "rights[0].allow[1]", Person{Meta: Meta{Name: "ann"}, Rights: []Right{{Allow: []Permission{See, "wipe"}}}}},
		{"kind", "rights[0].kind", Person{Meta: Meta{Name: "ann"}, Rights: []Right{{Allow: []Permission{See}, Kind: "Komputer"}}}},
		{"name without kind", "rights[0].kind", Person{Meta: Meta{Name: "ann"}, Rights: []Right{{Allow: []Permission{See}, Name: "x"}}}},
		{"technician of no box", "technician.boxes", Person{Meta: Meta{Name: "ann"}, Technician: &Technician{}}},
		{"what technicians may", "technician.may[0]", Person{Meta: Meta{Name: "ann"}, Technician: &Technician{Boxes: []string{"b"}, May: []string{"wipe"}}}},
	} {
		err := c.p.Validate()
		var f *FieldError
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.field != "" && (!errors.As(err, &f) || f.Field != c.field || f.Remedy == ""):
			t.Errorf("%s: got %v, want field %s", c.name, err, c.field)
		}
	}
}

func TestCan(t *testing.T) {
	none, all := "", "see change deploy"
	pc := Subject{Kind: KindComputer, Name: "pc1", Folder: "Wards/North/7", Collections: []string{"All Systems", "Ward 7"}}
	ad := Subject{Kind: KindAdvertisement, Name: "Install", Collections: []string{"Ward 7"}}
	ward := Subject{Kind: KindCollection, Name: "Ward 7", Folder: "Wards", Collections: []string{"Ward 7"}}
	right := func(r Right, allow ...Permission) Person {
		r.Allow = allow
		return Person{Rights: []Right{r}}
	}
	for _, c := range []struct {
		name string
		p    Person
		s    Subject
		want string
	}{
		{"administrator", Person{Role: RoleAdministrator}, pc, all},
		{"disabled administrator", Person{Role: RoleAdministrator, Disabled: true}, pc, none},
		{"no right", Person{}, pc, none},
		{"every object", right(Right{}, See), pc, "see"},
		{"change includes see", right(Right{}, Change), pc, "see change"},
		{"deploy includes see, not change", right(Right{}, Deploy), pc, "see deploy"},
		{"disabled", Person{Disabled: true, Rights: []Right{{Allow: []Permission{See}}}}, pc, none},
		{"kind", right(Right{Kind: KindComputer}, See), pc, "see"},
		{"another kind", right(Right{Kind: KindBox}, See), pc, none},
		{"name", right(Right{Kind: KindComputer, Name: "pc1"}, Change), pc, "see change"},
		{"another name", right(Right{Kind: KindComputer, Name: "pc2"}, Change), pc, none},
		{"name of another kind", right(Right{Kind: KindBox, Name: "pc1"}, Change), pc, none},
		{"its folder", right(Right{Folder: "Wards/North/7"}, See), pc, "see"},
		{"a folder above", right(Right{Folder: "Wards"}, See), pc, "see"},
		{"a folder below", right(Right{Folder: "Wards/North/7/x"}, See), pc, none},
		{"a folder that begins alike", right(Right{Folder: "Wards/Nor"}, See), pc, none},
		{"a folder beside", right(Right{Folder: "Wards/South"}, See), pc, none},
		{"its collection", right(Right{Collection: "Ward 7"}, Deploy), pc, "see deploy"},
		{"another collection", right(Right{Collection: "Ward 8"}, Deploy), pc, none},
		{"collection and folder", right(Right{Collection: "Ward 7", Folder: "Wards/South"}, Deploy), pc, none},
		{"advertisement to the collection", right(Right{Collection: "Ward 7"}, Change), ad, "see change"},
		{"advertisement to another", right(Right{Collection: "Ward 8"}, Change), ad, none},
		{"the collection itself", right(Right{Collection: "Ward 7"}, Deploy), ward, "see deploy"},
		{"several rights", Person{Rights: []Right{{Allow: []Permission{See}}, {Allow: []Permission{Deploy}, Collection: "Ward 7"}}}, pc, "see deploy"},
		{"collection, of a package", right(Right{Collection: "Ward 7"}, Change), Subject{Kind: KindPackage, Name: "p"}, none},
	} {
		got := ""
		for _, do := range []Permission{See, Change, Deploy} {
			if c.p.Can(do, c.s) {
				got += " " + string(do)
			}
		}
		if len(got) > 0 {
			got = got[1:]
		}
		if got != c.want {
			t.Errorf("%s: may %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCanAt(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Person
		box  string
		do   string
		want bool
	}{
		{"administrator", Person{Role: RoleAdministrator}, "b", MayMedia, true},
		{"disabled administrator", Person{Role: RoleAdministrator, Disabled: true}, "b", MayMedia, false},
		{"no technician", Person{}, "b", MayApprove, false},
		{"everything", Person{Technician: &Technician{Boxes: []string{"b"}}}, "b", MayClear, true},
		{"another box", Person{Technician: &Technician{Boxes: []string{"b"}}}, "c", MayClear, false},
		{"any box", Person{Technician: &Technician{Boxes: []string{AnyBox}}}, "c", MayClear, true},
		{"that alone", Person{Technician: &Technician{Boxes: []string{"b"}, May: []string{MayApprove}}}, "b", MayApprove, true},
		{"not that", Person{Technician: &Technician{Boxes: []string{"b"}, May: []string{MayApprove}}}, "b", MayResume, false},
	} {
		if got := c.p.CanAt(c.box, c.do); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if c.want && !c.p.At(c.box) {
			t.Errorf("%s: is not at the box", c.name)
		}
	}
	if p := (Person{Technician: &Technician{Boxes: []string{"b"}}}); p.At("c") {
		t.Error("a technician of one box is at another")
	}
}
