package site

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
)

const rules = `
kind: SiteSettings
name: site
sharedMACs: ["00:50:b6"]
---
kind: Computer
name: lab-1
macs: [52:54:00:77:00:21, "00:50:b6:00:00:01"]
variables: {Owner: lab}
---
kind: Computer
name: lab-2
macs: [52:54:00:77:00:22, "00:50:b6:00:00:01"]
---
kind: Collection
name: OptiPlex
queries:
  - {name: model, query: "SELECT * FROM SMS_R_System INNER JOIN SMS_G_System_COMPUTER_SYSTEM ON SMS_G_System_COMPUTER_SYSTEM.ResourceID = SMS_R_System.ResourceId WHERE SMS_G_System_COMPUTER_SYSTEM.Model LIKE 'OptiPlex%'"}
---
kind: Collection
name: Lab but OptiPlex
members: [lab-1, lab-2]
exclude: [OptiPlex]
variables: {Lab: "yes"}
`

func membersOf(t *testing.T, r *rig, collection string) []string {
	t.Helper()
	return must[api.Members](t, r.person(), "GET", "/v1/collections/"+strings.ReplaceAll(collection, " ", "%20")+"/members", nil).Computers
}

// TestRules: what a machine says of itself decides at the site as it does at its
// box, with the snapshot that the box got.
func TestRules(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	r.apply(rules)
	token := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token
	box, _ := r.enrol(token, "state-1")
	s, _ := box.policy(t, "")
	lab2 := policy.New(s, policy.Local{}).Computer("lab-2")
	if lab2 == nil {
		t.Fatal("lab-2 is not in the snapshot")
	}
	if got := membersOf(t, r, "Lab but OptiPlex"); !slices.Equal(got, []string{"lab-1", "lab-2"}) {
		t.Errorf("before the inventory: %v", got)
	}
	record := inventory.Record{Machine: inventory.Machine{Model: "OptiPlex 7010"}, IPAddresses: []string{"10.7.0.20"}, Time: r.clock.now()}
	must[api.EventAck](t, box, "POST", "/v1/box/events", api.EventBatch{StateID: "state-1", Events: []api.BoxEvent{{Number: 1, Discovered: &api.Discovered{Computer: lab2.ID, Inventory: record}}}})
	if got := membersOf(t, r, "OptiPlex"); !slices.Equal(got, []string{"lab-2"}) {
		t.Errorf("OptiPlex: %v", got)
	}
	s, _ = box.policy(t, "")
	e := policy.New(s, policy.Local{})
	for _, collection := range []string{"OptiPlex", "Lab but OptiPlex", "All Systems"} {
		var atBox []string
		for _, c := range e.Members(collection, r.clock.now()) {
			atBox = append(atBox, c.Name)
		}
		if site := membersOf(t, r, collection); !slices.Equal(site, atBox) {
			t.Errorf("%s: the site says %v, the box %v", collection, site, atBox)
		}
	}
	if c, conflict := e.Identify(policy.Machine{MACs: []string{"00:50:b6:00:00:01", "52:54:00:77:00:22"}}); c == nil || c.Name != "lab-2" || conflict != "" {
		t.Errorf("behind a dock: %+v, %q", c, conflict)
	}
}

// TestCollectionsAreChecked: what cannot be evaluated is refused, what is not
// known is said.
func TestCollectionsAreChecked(t *testing.T) {
	r := newRig(t)
	for yaml, want := range map[string]string{
		"kind: Collection\nname: A\ninclude: [B]\n---\nkind: Collection\nname: B\nlimitTo: A\n": "in a circle",
		"kind: Collection\nname: A\nqueries: [{query: SELECT nonsense}]\n":                      "FROM is missing",
		"kind: Collection\nname: A\nexclude: [Nowhere]\n":                                       "there is no Collection",
		"kind: Collection\nname: A\nupdate: now and then\n":                                     "give a value of the right form",
		"kind: ComputerAssociation\nname: a\nsource: ghost\n":                                   "there is no Computer",
	} {
		code, raw := r.person().call("POST", "/v1/apply", api.Apply{Documents: []api.Document{{File: "x.yaml", YAML: yaml}}})
		if code == http.StatusOK || !strings.Contains(string(raw), want) {
			t.Errorf("%q: %d %s", yaml, code, raw)
		}
	}
	got := r.apply("kind: Collection\nname: Toasters\nqueries: [{query: SELECT * FROM SMS_G_System_TOASTER}]\n")
	if n := notes(find(got, "Collection", "Toasters")); !strings.Contains(n, "SMS_G_System_TOASTER is not known") {
		t.Errorf("notes: %s", n)
	}
}

// TestScheduledUpdate: between two updates of its schedule a collection keeps
// whom its queries found.
func TestScheduledUpdate(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Computer\nname: new-1\nmacs: [52:54:00:77:00:31]\n---\nkind: Collection\nname: Nightly\nupdate: daily at 02:00\nqueries: [{query: \"SELECT * FROM SMS_R_System WHERE Name LIKE 'new-%'\"}]\n")
	if err := r.UpdateCollections(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.apply("kind: Computer\nname: new-2\nmacs: [52:54:00:77:00:32]\n")
	if err := r.UpdateCollections(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := membersOf(t, r, "Nightly"); !slices.Equal(got, []string{"new-1"}) {
		t.Errorf("before the next update: %v", got)
	}
	r.clock.add(24 * time.Hour)
	if err := r.UpdateCollections(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := membersOf(t, r, "Nightly"); !slices.Equal(got, []string{"new-1", "new-2"}) {
		t.Errorf("after it: %v", got)
	}
}

// TestExplainAndReady: what a machine would get, before and after its grant was
// used, and what the box lacks.
func TestExplainAndReady(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	token := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token
	box, _ := r.enrol(token, "state-1")
	s, _ := box.policy(t, "")
	explain := func(query string) policy.Explanation {
		return must[policy.Explanation](t, r.person(), "GET", "/v1/computers/ward7-pc1/explain"+query, nil)
	}
	if x := explain(""); len(x.Gets) != 1 || !x.Gets[0].Mandatory || !x.Gets[0].Destructive || x.Gets[0].Grant == "" || x.Box != "ward7-box" {
		t.Errorf("%+v", x)
	}
	far := r.clock.now().Add(400 * 24 * time.Hour).Format(time.RFC3339)
	if x := explain("?at=" + strings.ReplaceAll(far, "+", "%2B")); len(x.Gets) != 0 || len(x.GetsNot) == 0 {
		t.Errorf("in a year: %+v", x)
	}
	if x := explain("?where=runningClients"); len(x.Gets) != 0 {
		t.Errorf("at a running client: %+v", x.Gets)
	}
	grant := s.Grants[0]
	audit := api.AuditRecord{Time: r.clock.now(), Who: "job j", What: "grant-used", Object: grant.ID}
	must[api.EventAck](t, box, "POST", "/v1/box/events", api.EventBatch{StateID: "state-1", Events: []api.BoxEvent{{Number: 1, Audit: &audit}}})
	x := must[policy.Explanation](t, r.person(), "GET", "/v1/computers/"+grant.ComputerName+"/explain", nil)
	if len(x.Gets) != 0 || !strings.Contains(fmt.Sprint(x.GetsNot), "its grant was used") {
		t.Errorf("after the grant was used: %+v", x)
	}
	log := must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil)
	if last := log[len(log)-1]; last.Who != "box ward7-box: job j" || last.What != "grant-used" || last.Object != grant.ID {
		t.Errorf("audit: %+v", last)
	}
	ready := must[api.BoxReady](t, r.person(), "GET", "/v1/boxes/ward7-box/ready", nil)
	if len(ready.Deployments) != 1 || ready.Deployments[0].Ready || len(ready.Deployments[0].Lacks) == 0 {
		t.Errorf("before any content: %+v", ready)
	}
	var manifests []string
	for _, i := range s.Images {
		manifests = append(manifests, i.Manifest)
	}
	for _, p := range s.Packages {
		manifests = append(manifests, p.Manifest)
	}
	for _, b := range s.BootImages {
		manifests = append(manifests, b.Manifest)
	}
	must[api.CheckedIn](t, box, "POST", "/v1/box/checkin", api.CheckIn{StateID: "state-1", Epoch: s.Epoch, Number: s.Number, Complete: manifests, Stopped: "three want it"})
	ready = must[api.BoxReady](t, r.person(), "GET", "/v1/boxes/ward7-box/ready", nil)
	if !ready.Deployments[0].Ready || !strings.Contains(strings.Join(ready.Notes, " "), "three want it") {
		t.Errorf("with all content: %+v", ready)
	}
}

// TestOrders: an order goes to the boxes that serve the computers, once each, and
// stands in their policy.
func TestOrders(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	token := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token
	box, _ := r.enrol(token, "state-1")
	out := must[api.Ordered](t, r.person(), "POST", "/v1/orders", api.Order{Kind: policy.OrderClearPXE, Collection: "All Systems"})
	if !slices.Equal(out.Boxes, []string{"ward7-box"}) || len(out.Computers) < 2 {
		t.Errorf("%+v", out)
	}
	must[api.Ordered](t, r.person(), "POST", "/v1/orders", api.Order{Kind: policy.OrderResume, Boxes: []string{"ward7-box"}})
	s, _ := box.policy(t, "")
	if len(s.Orders) != 2 || s.Orders[0].Kind != policy.OrderClearPXE || s.Orders[1].By != "ann" {
		t.Errorf("%+v", s.Orders)
	}
	woken := must[api.Ordered](t, r.person(), "POST", "/v1/orders", api.Order{Kind: policy.OrderWake, Computers: []string{"ward7-pc1"}})
	if s, _ := box.policy(t, ""); woken.ExpiresAt.After(r.clock.now().Add(wakeLife)) || len(s.Orders) != 3 || s.Orders[2].Kind != policy.OrderWake || len(s.Orders[2].Computers) != 1 {
		t.Errorf("wake: %+v, %+v", woken, s.Orders)
	}
	for _, bad := range []api.Order{{Kind: "format"}, {Kind: policy.OrderResume}, {Kind: policy.OrderClearPXE}, {Kind: policy.OrderClearPXE, Computers: []string{"ghost"}}, {Kind: policy.OrderResume, Boxes: []string{"ghost"}}} {
		if code, raw := r.person().call("POST", "/v1/orders", bad); code != http.StatusBadRequest && code != http.StatusNotFound {
			t.Errorf("%+v: %d %s", bad, code, raw)
		}
	}
	r.clock.add(25 * time.Hour)
	if s, _ := box.policy(t, ""); len(s.Orders) != 0 {
		t.Errorf("orders that ended: %+v", s.Orders)
	}
}

// TestTypedNumber: an advertisement that erases every machine there is needs its
// number typed with the call, not only written.
func TestTypedNumber(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	yaml := "kind: Advertisement\nname: Everybody\ncollection: All Systems\nsequence: Debian\nmandatory: [asSoonAsPossible]\nconfirmedMachines: 2\n"
	apply := func(machines *int) int {
		code, _ := r.person().call("POST", "/v1/apply", api.Apply{Documents: []api.Document{{File: "x.yaml", YAML: yaml}}, Machines: machines, AcceptMissing: true})
		return code
	}
	two, three := 2, 3
	for _, wrong := range []*int{nil, &three} {
		if code := apply(wrong); code != http.StatusUnprocessableEntity {
			t.Errorf("typed %v: %d", wrong, code)
		}
	}
	if code := apply(&two); code != http.StatusOK {
		t.Errorf("typed the number: %d", code)
	}
	if code := apply(nil); code != http.StatusOK {
		t.Errorf("applied again, unchanged: %d", code)
	}
}
