package managementpoint

import (
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
)

// TestRunningClients: what is for running clients is offered and claimed there
// only, at logon only when somebody signs in, and what erases never; they are told
// what comes.
func TestRunningClients(t *testing.T) {
	r := newRig(t)
	r.ward()
	r.policy.Settings.ClientAgent = true
	wipe := r.policy.Sequences[0]
	wipe.ID, wipe.Name, wipe.Destructive = "S9", "Wipe", true
	r.policy.Sequences[0].BootImage, r.policy.BootImages = "", nil // nothing here needs one
	r.policy.Sequences = append(r.policy.Sequences, wipe)
	clients := []string{osd.ToRunningClients}
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	adv := func(id, sequence string, mandatory ...string) osd.Advertisement {
		return osd.Advertisement{Meta: osd.Meta{ID: id, Name: id, Comment: "Save your work."}, Collection: "Ward", Sequence: sequence, AvailableTo: clients,
			Mandatory: mandatory, Countdown: osd.Duration(time.Minute)}
	}
	r.policy.Advertisements = []osd.Advertisement{adv("Due", "S", osd.AsSoonAsPossible), adv("Logon", "S", osd.AtLogon),
		adv("Later", "S", at.Format(time.RFC3339)), adv("Erases", "Wipe", osd.AsSoonAsPossible), adv("Choose", "S")}
	p := r.direct(time.Now)
	id := api.Identity{MACs: []string{wardMAC}}
	names := func(where, event string) (all string, o api.Offers) {
		o, failed := p.offers(t.Context(), api.Ask{Identity: id, Where: where, Event: event})
		if failed != nil {
			t.Fatal(failed)
		}
		for _, one := range o.Offers {
			all += one.Name + " "
		}
		return all, o
	}
	if got, o := names("", ""); got != "" || len(o.Upcoming) != 0 || !o.Next.IsZero() {
		t.Errorf("boot image: %q, %+v", got, o)
	}
	got, o := names(osd.ToRunningClients, "")
	if got != "Due Choose " || len(o.Upcoming) != 1 || o.Upcoming[0].Name != "Later" || !o.Next.Equal(at) || o.Upcoming[0].Text != "Save your work." {
		t.Errorf("running client: %q, %+v", got, o)
	}
	if o.Offers[0].Countdown != osd.Duration(time.Minute) {
		t.Errorf("countdown %v", o.Offers[0].Countdown)
	}
	if got, _ := names(osd.ToRunningClients, osd.AtLogon); got != "Due Logon Choose " && got != "Logon Due Choose " {
		t.Errorf("at logon: %q", got)
	}
	for _, tt := range []struct {
		advertisement, where, event string
		person, opens               bool
	}{
		{"Due", "", "", false, false},
		{"Erases", osd.ToRunningClients, "", false, false},
		{"Erases", osd.ToRunningClients, "", true, false},
		{"Logon", osd.ToRunningClients, "", false, false},
		{"Choose", osd.ToRunningClients, "", false, false},
		{"Logon", osd.ToRunningClients, osd.AtLogon, false, true},
		{"Due", osd.ToRunningClients, "", false, false}, // one job at a time
	} {
		_, csr := r.key()
		c, failed := p.claim(t.Context(), api.Claim{Identity: id, Advertisement: tt.advertisement, Where: tt.where, Event: tt.event, Person: tt.person, CSR: csr}, "10.7.0.20")
		if (failed == nil) != tt.opens {
			t.Fatalf("%+v: %v", tt, failed)
		}
		if !tt.opens {
			continue
		}
		j, err := r.store.Job(t.Context(), c.Job)
		fatal(t, err)
		if !j.Document.ClientAgent || j.State != store.JobOpen || j.Document.Sequence.Destructive {
			t.Errorf("job %+v", j.Document)
		}
	}
}

// TestPlace: words that are not known are refused, not read as something else.
func TestPlace(t *testing.T) {
	for _, tt := range []struct {
		where, event string
		ok           bool
	}{
		{"", "", true}, {osd.ToBootMediaAndPXE, "", true}, {osd.ToRunningClients, "", true}, {osd.ToRunningClients, osd.AtLogoff, true},
		{"here", "", false}, {osd.ToRunningClients, osd.AsSoonAsPossible, false}, {"", osd.AtLogon, false},
	} {
		if err := checkPlace(tt.where, tt.event); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}
