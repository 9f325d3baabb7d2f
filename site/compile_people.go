package site

import (
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
)

// addPeople puts in who may do something at the box, with the certificates that
// count. Rights at the site and what he may do at other boxes stay out.
func addPeople(s *policy.Snapshot, w world, now time.Time) {
	for _, p := range all[*osd.Person](w, osd.KindPerson) {
		if !p.At(s.Box.Name) {
			continue
		}
		one := osd.Person{Meta: osd.Meta{ID: p.ID, Name: p.Name}, Role: p.Role}
		if t := p.Technician; t != nil && !isAdministrator(p) {
			one.Technician = &osd.Technician{Boxes: []string{s.Box.Name}, May: t.May}
		}
		s.People = append(s.People, one)
		for _, c := range w.credentials[p.ID] { // by hash
			if c.Kind == store.CredentialCertificate && good(c, now) {
				if s.Certificates == nil {
					s.Certificates = map[string][]string{}
				}
				s.Certificates[p.Name] = append(s.Certificates[p.Name], c.Hash)
			}
		}
	}
}
