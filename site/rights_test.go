package site

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// wards is a site of two wards that must not know of each other.
const wards = `kind: Box
name: box7
folder: Wards/7
---
kind: Box
name: box8
folder: Wards/8
---
kind: Computer
name: w7-pc1
macs: [52:54:00:77:00:07]
box: box7
---
kind: Computer
name: w8-pc1
macs: [52:54:00:77:00:08]
box: box8
---
kind: Collection
name: Ward 7
members: [w7-pc1]
---
kind: Collection
name: Ward 8
members: [w8-pc1]
---
kind: TaskSequence
name: Debian
bootImage: linux-x64
steps:
  - partitionDisk:
      style: gpt
      volumes:
        - {name: OSDisk, type: primary, size: 100%, fileSystem: ext4, variable: OSDisk}
  - applyOperatingSystem: {image: debian-12, index: 1, to: "%OSDisk%"}
---
kind: Advertisement
name: Seven
collection: Ward 7
sequence: Debian
mandatory: [asSoonAsPossible]
confirmedMachines: 1
---
kind: Advertisement
name: Eight
collection: Ward 8
sequence: Debian
mandatory: [asSoonAsPossible]
confirmedMachines: 1
`

// twoWards applies them, lets both computers report, and adds persons.
func twoWards(t *testing.T) (r *rig, people map[string]*peer) {
	t.Helper()
	r = newRig(t)
	r.contents()
	r.apply(wards)
	for _, n := range []string{"7", "8"} {
		box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/box"+n+"/token", nil).Token, "s"+n)
		at := r.clock.now()
		must[api.EventAck](t, box, "POST", "/v1/box/events", api.EventBatch{StateID: "s" + n, Events: []api.BoxEvent{
			{Number: 1, Status: &status.Message{Job: "job" + n, Number: 1, Time: at, Computer: "w" + n + "-pc1", Advertisement: "x"}},
			{Number: 2, Flight: &status.FlightEvent{Client: "52:54:00:77:00:0" + n, Time: at, What: "dhcp"}},
		}})
	}
	ward7 := "{allow: [%s], collection: Ward 7}, {allow: [see], kind: TaskSequence}, {allow: [see], kind: Box, name: box7}"
	with := func(name, rights string) *peer { return r.add(name, "rights: ["+rights+"]\n") }
	return r, map[string]*peer{
		"nobody in particular": r.add("eve", "technician: {boxes: ['*']}\n"),
		"reader":               with("rea", "{allow: [see]}"),
		"sees ward 7":          with("sue", fmt.Sprintf(ward7, "see")),
		"changes ward 7":       with("cat", fmt.Sprintf(ward7, "change")),
		"deploys to ward 7":    with("dan", fmt.Sprintf(ward7, "change, deploy")+", {allow: [change, deploy], folder: Wards/7}"),
		"changes everything":   with("max", "{allow: [change]}"),
		"deploys everything":   with("dot", "{allow: [deploy]}"),
		"changes packages":     with("pam", "{allow: [change], kind: Package}"),
	}
}

// TestRightsOfRoutes is the table of who may use which route, on an object of ward
// 7 and on the same of ward 8. Zeroes stand for the status that follows: the
// status before them.
func TestRightsOfRoutes(t *testing.T) {
	r, people := twoWards(t)
	manifest, _ := json.Marshal(map[string]any{"format": 1})
	order := func(kind, box, computer string) api.Order {
		o := api.Order{Kind: kind}
		if box != "" {
			o.Boxes = []string{box}
		}
		if computer != "" {
			o.Computers = []string{computer}
		}
		return o
	}
	columns := []string{"nobody in particular", "reader", "sees ward 7", "changes ward 7", "deploys to ward 7", "changes everything", "deploys everything", "changes packages"}
	for _, c := range []struct {
		route, path string
		body        any
		want        [8]int
	}{
		{api.RouteWhoAmI, "/v1/whoami", nil, [8]int{200, 200, 200, 200, 200, 200, 200, 200}},
		{api.RouteList, "/v1/objects/Computer", nil, [8]int{403, 200, 200, 200, 200, 200, 200, 200}},
		{api.RouteGet, "/v1/objects/Computer/w7-pc1", nil, [8]int{404, 200, 200, 200, 200, 200, 200, 404}},
		{api.RouteGet, "/v1/objects/Computer/w8-pc1", nil, [8]int{404, 200, 404, 404, 404, 200, 200, 404}},
		{api.RouteGet, "/v1/objects/Advertisement/Seven", nil, [8]int{404, 200, 200, 200, 200, 200, 200, 404}},
		{api.RouteGet, "/v1/objects/Advertisement/Eight", nil, [8]int{404, 200, 404, 404, 404, 200, 200, 404}},
		{api.RouteGet, "/v1/objects/Collection/All%20Systems", nil, [8]int{404, 404, 404, 404, 404, 404, 404, 404}},
		{api.RouteExplain, "/v1/computers/w7-pc1/explain", nil, [8]int{404, 200, 200, 200, 200, 200, 200, 404}},
		{api.RouteExplain, "/v1/computers/w8-pc1/explain", nil, [8]int{404, 200, 404, 404, 404, 200, 200, 404}},
		{api.RouteMembers, "/v1/collections/Ward%207/members", nil, [8]int{404, 200, 200, 200, 200, 200, 200, 404}},
		{api.RouteMembers, "/v1/collections/Ward%208/members", nil, [8]int{404, 200, 404, 404, 404, 200, 200, 404}},
		{api.RouteMembers, "/v1/collections/All%20Systems/members", nil, [8]int{404, 200, 404, 404, 404, 200, 200, 404}},
		{api.RouteSiteReady, "/v1/boxes/box7/ready", nil, [8]int{404, 200, 200, 200, 200, 200, 200, 404}},
		{api.RouteSiteReady, "/v1/boxes/box8/ready", nil, [8]int{404, 200, 404, 404, 404, 200, 200, 404}},
		{api.RouteBoxes, "/v1/boxes", nil, [8]int{403, 200, 200, 200, 200, 200, 200, 200}},
		{api.RouteMessages, "/v1/messages", nil, [8]int{403, 200, 200, 200, 200, 200, 200, 200}},
		{api.RouteFlight, "/v1/flight", nil, [8]int{403, 200, 200, 200, 200, 200, 200, 200}},
		{api.RouteLog, "/v1/logs/nothing", nil, [8]int{403, 404, 404, 404, 404, 404, 404, 404}},
		{api.RouteJobs, "/v1/jobs", nil, [8]int{403, 200, 200, 200, 200, 200, 200, 200}},
		{api.RouteAudit, "/v1/audit", nil, [8]int{403, 403, 403, 403, 403, 403, 403, 403}},
		{api.RouteToken, "/v1/boxes/box7/token", nil, [8]int{404, 403, 403, 403, 200, 200, 403, 404}},
		{api.RouteToken, "/v1/boxes/box8/token", nil, [8]int{404, 403, 404, 404, 404, 200, 403, 404}},
		{api.RouteHasBlob, "/v1/blobs/" + strings.Repeat("0", 64), nil, [8]int{403, 403, 403, 403, 404, 404, 403, 404}},
		{api.RouteUploadBlob, "/v1/blobs/" + strings.Repeat("0", 64), []byte("x"), [8]int{403, 403, 403, 403, 400, 400, 403, 400}},
		{api.RouteImport, "/v1/import", api.Import{Kind: "Package", Name: "carrier", Manifest: manifest}, [8]int{403, 403, 403, 403, 403, 400, 403, 400}},
		{api.RouteImport, "/v1/import", api.Import{Kind: "BootImage", Name: "linux-x64", Manifest: manifest}, [8]int{403, 403, 403, 403, 403, 400, 403, 403}},
		{api.RouteComputerImport, "/v1/computers/import", api.ComputerImport{CSV: "name,mac\nw7-pc1,52:54:00:77:00:07\n", DryRun: true}, [8]int{403, 403, 403, 200, 200, 200, 403, 200}},
		{api.RouteGrantAgain, "/v1/advertisements/Seven/grants", api.GrantAgain{ConfirmedMachines: 1}, [8]int{404, 403, 403, 403, 200, 403, 200, 404}},
		{api.RouteGrantAgain, "/v1/advertisements/Eight/grants", api.GrantAgain{ConfirmedMachines: 1}, [8]int{404, 403, 404, 404, 404, 403, 200, 404}},
		{api.RouteOrder, "/v1/orders", order(policy.OrderResume, "box7", ""), [8]int{403, 403, 403, 403, 200, 403, 200, 403}},
		{api.RouteOrder, "/v1/orders", order(policy.OrderResume, "box8", ""), [8]int{403, 403, 403, 403, 404, 403, 200, 403}},
		{api.RouteOrder, "/v1/orders", order(policy.OrderRetry, "", "w7-pc1"), [8]int{403, 403, 403, 403, 200, 403, 200, 403}},
		{api.RouteOrder, "/v1/orders", order(policy.OrderClearPXE, "", "w7-pc1"), [8]int{403, 403, 403, 403, 200, 403, 200, 403}},
		{api.RouteOrder, "/v1/orders", order(policy.OrderClearPXE, "", "w8-pc1"), [8]int{403, 403, 403, 403, 404, 403, 200, 403}},
		{api.RouteOrder, "/v1/orders", api.Order{Kind: policy.OrderClearPXE, Collection: "Ward 8"}, [8]int{403, 403, 403, 403, 404, 403, 200, 403}},
		{api.RouteDeletion, "/v1/objects/Collection/Ward%207/deletion", nil, [8]int{404, 403, 403, 409, 409, 409, 403, 404}},
		{api.RouteDeletion, "/v1/objects/Computer/w8-pc1/deletion", nil, [8]int{404, 403, 404, 404, 404, 409, 403, 404}},
		{api.RouteDelete, "/v1/objects/Collection/Ward%207", nil, [8]int{404, 403, 403, 409, 409, 409, 403, 404}},
		{api.RouteDelete, "/v1/objects/Collection/Ward%208", nil, [8]int{404, 403, 404, 404, 404, 409, 403, 404}},
	} {
		method, _, _ := strings.Cut(c.route, " ")
		for i, who := range columns {
			code, raw := people[who].call(method, c.path, c.body)
			if code != c.want[i] {
				t.Errorf("%s %s as one who %s: %d %s, want %d", method, c.path, who, code, raw, c.want[i])
			}
			if code == http.StatusForbidden && method != http.MethodHead {
				if e := problemOf(t, raw); e.Remedy == "" {
					t.Errorf("%s %s as one who %s: no remedy: %s", method, c.path, who, raw)
				}
			}
		}
	}
	if n := r.grantsOf(); n != 2+2+1 { // of the apply, and of two who could again
		t.Errorf("%d grants", n)
	}
}

// TestDeployElsewhere: deploy on one object is none on another that he only sees.
func TestDeployElsewhere(t *testing.T) {
	r, _ := twoWards(t)
	p := r.add("bea", "rights: [{allow: [see]}, {allow: [deploy], kind: Box, name: box7}]\n")
	for _, c := range []struct {
		path string
		body any
		want int
	}{
		{"/v1/orders", api.Order{Kind: policy.OrderResume, Boxes: []string{"box7"}}, 200},
		{"/v1/orders", api.Order{Kind: policy.OrderResume, Boxes: []string{"box7", "box8"}}, 403},
		{"/v1/orders", api.Order{Kind: policy.OrderClearPXE, Computers: []string{"w7-pc1"}}, 403},
		{"/v1/orders", api.Order{Kind: policy.OrderClearPXE, Collection: "Ward 7"}, 403},
		{"/v1/advertisements/Seven/grants", api.GrantAgain{ConfirmedMachines: 1}, 403},
	} {
		if code, raw := p.call("POST", c.path, c.body); code != c.want {
			t.Errorf("%s %+v: %d %s, want %d", c.path, c.body, code, raw, c.want)
		}
	}
}

// TestNotesTellNothingHidden: notes of a plan name no advertisement that the
// person may not see.
func TestNotesTellNothingHidden(t *testing.T) {
	r, _ := twoWards(t)
	p := r.add("bea", "rights: [{allow: [change, deploy], kind: Collection, name: Ward 7}]\n")
	if code, raw := p.applies("kind: Collection\nname: Ward 7\n"); code != http.StatusOK || strings.Contains(string(raw), "Seven") {
		t.Errorf("%d %s", code, raw)
	}
	if code, raw := p.call("DELETE", "/v1/objects/Collection/Ward%207", nil); code != http.StatusConflict || strings.Contains(string(raw), "Seven") {
		t.Errorf("delete: %d %s", code, raw)
	}
}

// TestEveryRouteSaysWhatItNeeds: a route for persons without a demand lets nobody
// in, not even an administrator.
func TestEveryRouteSaysWhatItNeeds(t *testing.T) {
	r := newRig(t)
	for _, rt := range r.routes() {
		if (rt.who == persons) != (rt.need.check != nil && rt.need.text != "") {
			t.Errorf("%s: who may use it is %v, what a person needs is %q", rt.pattern, rt.who, rt.need.text)
		}
	}
	q, err := http.NewRequestWithContext(t.Context(), "GET", "/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.allow(q, "ann", demand{}); err == nil {
		t.Error("a route without a demand lets an administrator in")
	}
	if err := r.allow(q, "nobody", signedIn()); err == nil {
		t.Error("somebody without an object is let in")
	}
}

// TestAnotherWard: who has rights on one collection finds no trace of another.
func TestAnotherWard(t *testing.T) {
	r, people := twoWards(t)
	r.apply("kind: Collection\nname: Ward 8 study\nmembers: [w7-pc1]\n---\nkind: Collection\nname: Ward 8 by query\nqueries: [{query: \"SELECT * FROM SMS_R_System WHERE Name LIKE 'w8%'\"}]\n---\n" +
		"kind: Advertisement\nname: Eight too\ncollection: Ward 8 by query\nsequence: Debian\n")
	if raw := string(must[json.RawMessage](t, r.person(), "GET", "/v1/computers/w7-pc1/explain", nil)); !strings.Contains(raw, "Eight too") || !strings.Contains(raw, "Ward 8 study") {
		t.Errorf("an administrator is told: %s", raw)
	}
	traces := []string{"w8-pc1", "Ward 8", "Eight", "job8", "52:54:00:77:00:08", "box8"}
	for _, who := range []string{"sees ward 7", "changes ward 7", "deploys to ward 7"} {
		p := people[who]
		seen := map[string]string{}
		for _, path := range []string{
			"/v1/objects/Computer", "/v1/objects/Collection", "/v1/objects/Advertisement", "/v1/objects/Box", "/v1/objects/Person", "/v1/objects/ComputerAssociation",
			"/v1/boxes", "/v1/messages", "/v1/messages?computer=w8-pc1", "/v1/messages?job=job8", "/v1/flight", "/v1/flight?client=52:54:00:77:00:08", "/v1/jobs",
			"/v1/computers/w7-pc1/explain", "/v1/boxes/box7/ready", "/v1/collections/Ward%207/members",
		} {
			code, raw := p.call("GET", path, nil)
			if code != http.StatusOK {
				t.Errorf("%s as one who %s: %d %s", path, who, code, raw)
			}
			for _, trace := range traces {
				if strings.Contains(string(raw), trace) {
					t.Errorf("%s as one who %s: %s in %s", path, who, trace, raw)
				}
			}
			seen[path] = string(raw)
		}
		for path, want := range map[string]string{"/v1/objects/Computer": "w7-pc1", "/v1/messages": "job7", "/v1/jobs": "job7", "/v1/flight": "52:54:00:77:00:07", "/v1/objects/Advertisement": "Seven"} {
			if !strings.Contains(seen[path], want) {
				t.Errorf("%s as one who %s: no %s in %s", path, who, want, seen[path])
			}
		}
		for _, yaml := range []string{"kind: Collection\nname: NAME\n", "kind: Advertisement\nname: New\nsequence: Debian\ncollection: NAME\n",
			"kind: Collection\nname: Ward 7\nmembers: [w7-pc1]\ninclude: [NAME]\n", "kind: Advertisement\nname: Seven\nsequence: Debian\ncollection: NAME\nmandatory: [asSoonAsPossible]\nconfirmedMachines: 7\n"} {
			code, raw := p.applies(strings.ReplaceAll(yaml, "NAME", "Ward 8"))
			other, none := p.applies(strings.ReplaceAll(yaml, "NAME", "Ward 9"))
			if code != other || strings.ReplaceAll(string(raw), "Ward 8", "Ward 9") != string(none) {
				t.Errorf("apply as one who %s: of what is hidden %d %s, of nothing %d %s", who, code, raw, other, none)
			}
		}
		// What is hidden and what does not exist are answered alike.
		for _, kind := range []string{"Computer", "Collection", "Advertisement", "Box"} {
			hidden := map[string]string{"Computer": "w8-pc1", "Collection": "Ward%208", "Advertisement": "Eight", "Box": "box8"}[kind]
			for _, method := range []string{"GET", "DELETE"} {
				code, raw := p.call(method, "/v1/objects/"+kind+"/"+hidden, nil)
				_, none := p.call(method, "/v1/objects/"+kind+"/nothing", nil)
				a, b := problemOf(t, raw), problemOf(t, none)
				if a.Object, b.Object = "", ""; code != http.StatusNotFound || !reflect.DeepEqual(a, b) {
					t.Errorf("%s %s as one who %s: %d %s, of nothing: %s", method, kind, who, code, raw, none)
				}
			}
		}
	}
}

// TestPagesOfMessages: pages that hold nothing for a person are passed over, so
// that who reads until an empty page reads all.
func TestPagesOfMessages(t *testing.T) {
	r, people := twoWards(t)
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/box8/token", nil).Token, "again")
	batch := api.EventBatch{StateID: "again"}
	for i := range 2500 {
		batch.Events = append(batch.Events, api.BoxEvent{Number: uint64(i + 1), Status: &status.Message{Job: "job9", Number: uint64(i + 1), Time: r.clock.now(), Computer: "w8-pc1"}})
	}
	must[api.EventAck](t, box, "POST", "/v1/box/events", batch)
	box7, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/box7/token", nil).Token, "again")
	must[api.EventAck](t, box7, "POST", "/v1/box/events", api.EventBatch{StateID: "again", Events: []api.BoxEvent{{Number: 1, Status: &status.Message{Job: "last", Number: 1, Time: r.clock.now(), Computer: "w7-pc1"}}}})
	var jobs []string
	for after := int64(0); ; {
		page := must[api.Messages](t, people["sees ward 7"], "GET", fmt.Sprintf("/v1/messages?after=%d", after), nil)
		if len(page.Messages) == 0 {
			break
		}
		for _, m := range page.Messages {
			jobs = append(jobs, m.Job)
		}
		after = page.Next
	}
	if fmt.Sprint(jobs) != "[job7 last]" {
		t.Errorf("jobs %v", jobs)
	}
}

// TestRightsOfPlans: what persons may apply. want is in the error; empty: it is
// taken, as a dry run.
func TestRightsOfPlans(t *testing.T) {
	r, people := twoWards(t)
	r.apply("kind: Computer\nname: w7-pc2\nfolder: Wards/7\nmacs: [52:54:00:77:00:72]\nbox: box7\n---\n" +
		"kind: TaskSequence\nname: Note\nfolder: Wards/7\nbootImage: linux-x64\nsteps: [{runCommandLine: {command: id}}]\n---\n" +
		"kind: Box\nname: box17\nfolder: Wards/7\nboundaries: [Ward 7]\n---\nkind: Secret\nname: join\n---\nkind: Secret\nname: own\nfolder: Wards/7\n---\n" +
		"kind: Advertisement\nname: Note\ncollection: Ward 8\nsequence: Note\nmandatory: [asSoonAsPossible]\n")
	people["changes folder 7"] = r.add("fay", "rights: [{allow: [see], kind: Box}, {allow: [change], folder: Wards/7}, {allow: [change, deploy], folder: Own}, {allow: [see], kind: Collection}, {allow: [change], kind: TaskSequence}]\n")
	people["sees all, changes folder 7"] = r.add("gus", "rights: [{allow: [see]}, {allow: [change], folder: Wards/7}]\n")
	people["changes boxes"] = r.add("bob", "rights: [{allow: [change], kind: Box}]\n")
	hidden := must[osd.Computer](t, r.person(), "GET", "/v1/objects/Computer/w8-pc1", nil).ID
	pc1 := "kind: Computer\nname: w7-pc1\nmacs: [52:54:00:77:00:07]\nbox: box7\n"
	advert := "kind: Advertisement\nname: New\nsequence: Debian\ncollection: "
	for _, c := range []struct {
		name, who, yaml string
		code            int
		want            string
	}{
		{"nothing new", "sees ward 7", pc1, 403, "you may change nothing"},
		{"nothing new, beside a change", "changes folder 7", "kind: Collection\nname: Ward 7\nmembers: [w7-pc1]\n---\nkind: Computer\nname: w7-pc2\nfolder: Wards/7\ncomment: x\nmacs: [52:54:00:77:00:72]\nbox: box7\n", 200, ""},
		{"a computer that he only sees", "sees ward 7", pc1 + "comment: x\n", 403, "`change`"},
		{"a computer of the ward", "changes ward 7", pc1 + "comment: x\n", 200, ""},
		{"a new computer beside the ward", "changes ward 7", "kind: Computer\nname: new\nmacs: [52:54:00:77:00:99]\n", 403, "as it would be"},
		{"a computer of the other ward", "changes ward 7", "kind: Computer\nname: w8-pc1\nmacs: [52:54:00:77:00:08]\n", 403, "as it would be"},
		{"an obsolete one is in no collection", "changes ward 7", pc1 + "obsolete: true\n", 403, "as it would be"},
		{"a box that he does not see", "changes ward 7", "kind: Computer\nname: w7-pc1\nmacs: [52:54:00:77:00:07]\nbox: box8\n", 400, `no Box "box8"`},
		{"the address of a computer that he does not see", "changes ward 7", "kind: Computer\nname: w7-pc1\nmacs: [52:54:00:77:00:08]\nbox: box7\n", 400, "a Computer that you may not see"},
		{"an ID that he does not see", "changes ward 7", "kind: Computer\nid: HIDDEN\nname: x\nmacs: [52:54:00:77:00:09]\n", 400, "there is no Computer"},
		{"a collection that mandatory advertisements use", "changes ward 7", "kind: Collection\nname: Ward 7\ncomment: x\nmembers: [w7-pc1]\n", 403, "`deploy`"},
		{"the same with deploy", "deploys to ward 7", "kind: Collection\nname: Ward 7\ncomment: x\nmembers: [w7-pc1]\n", 200, ""},
		{"a new computer in it", "deploys to ward 7", "kind: Computer\nname: new\nmacs: [52:54:00:77:00:99]\n---\nkind: Collection\nname: Ward 7\nmembers: [w7-pc1, new]\n", 200, ""},
		{"a computer of his folder in it", "deploys to ward 7", "kind: Collection\nname: Ward 7\nmembers: [w7-pc1, w7-pc2]\n", 200, ""},
		{"a computer of others in it", "deploys to ward 7", "kind: Collection\nname: Ward 7\nmembers: [w7-pc1, w8-pc1]\n", 400, `no Computer "w8-pc1"`},
		{"the ward of others in it", "deploys to ward 7", "kind: Collection\nname: Ward 7\ninclude: [Ward 8]\n", 403, "limiting collection"},
		{"a query that finds the computers of others", "deploys to ward 7", "kind: Collection\nname: Ward 7\nqueries: [{query: \"SELECT * FROM SMS_R_System\"}]\n", 403, "limiting collection"},
		{"a query that finds nobody yet", "deploys to ward 7", "kind: Collection\nname: Ward 7\nqueries: [{query: \"SELECT * FROM SMS_R_System WHERE Name LIKE 'w9%'\"}]\n", 403, "limiting collection"},
		{"a new collection without bounds", "deploys to ward 7", "kind: Collection\nname: Mine\nfolder: Wards/7\nqueries: [{query: \"SELECT * FROM SMS_R_System\"}]\n", 403, "limiting collection"},
		{"a new collection within the ward", "deploys to ward 7", "kind: Collection\nname: Mine\nfolder: Wards/7\nlimitTo: Ward 7\nqueries: [{query: \"SELECT * FROM SMS_R_System\"}]\n", 200, ""},
		{"the name of what he does not see", "deploys to ward 7", "kind: Collection\nname: Ward 8\nfolder: Wards/7\n", 403, "choose another"},
		{"an advertisement to the ward", "deploys to ward 7", advert + "Ward 7\n", 200, ""},
		{"one without deploy", "changes ward 7", advert + "Ward 7\n", 403, "`deploy`"},
		{"one to the other ward", "deploys to ward 7", advert + "Ward 8\n", 403, "as it would be"},
		{"one to the other ward, in his folder", "deploys to ward 7", advert + "Ward 8\nfolder: Wards/7\n", 400, `no Collection "Ward 8"`},
		{"one that goes to the other ward", "deploys to ward 7", "kind: Advertisement\nname: Seven\ncollection: Ward 8\nsequence: Debian\n", 403, "as it would be"},
		{"one that comes from the other ward", "deploys to ward 7", "kind: Advertisement\nname: Eight\ncollection: Ward 7\nsequence: Debian\n", 403, "choose another"},
		{"into a folder without rights", "changes folder 7", "kind: Computer\nname: w7-pc2\nfolder: Wards/8\nmacs: [52:54:00:77:00:72]\nbox: box7\n", 403, "as it would be"},
		{"into a folder with more rights", "changes folder 7", "kind: Computer\nname: w7-pc2\nfolder: Own\nmacs: [52:54:00:77:00:72]\nbox: box7\n", 403, "`deploy`"},
		{"into a collection to which he may deploy", "changes folder 7", "kind: Collection\nname: Mine\nfolder: Own\nmembers: [w7-pc2]\n", 403, "that you may not deploy"},
		{"a sequence that runs unasked elsewhere", "changes folder 7", "kind: TaskSequence\nname: Note\nfolder: Wards/7\nbootImage: linux-x64\nsteps: [{runCommandLine: {command: reboot}}]\n", 403, "`deploy`"},
		{"data of his computer to his computer", "deploys to ward 7", "kind: ComputerAssociation\nname: a\nsource: w7-pc1\n", 200, ""},
		{"data of the other ward to his computer", "deploys to ward 7", "kind: ComputerAssociation\nname: a\nfolder: Wards/7\nsource: w8-pc1\ndestination: w7-pc1\n", 400, `no Computer "w8-pc1"`},
		{"data of what he sees to his computer", "sees all, changes folder 7", "kind: ComputerAssociation\nname: a\nfolder: Wards/7\nsource: w8-pc1\ndestination: w7-pc2\n", 403, "`change`"},
		{"a box of his own", "deploys to ward 7", "kind: Box\nname: box9\nfolder: Wards/7\n", 403, "every Box"},
		{"a box of his own by a right on every box", "changes boxes", "kind: Box\nname: box9\n", 200, ""},
		{"his box for the whole site", "deploys to ward 7", "kind: Box\nname: box17\nfolder: Wards/7\n", 403, "serve every computer"},
		{"his box for the ward of others", "sees all, changes folder 7", "kind: Box\nname: box17\nfolder: Wards/7\nboundaries: [Ward 7, Ward 8]\n", 403, "serve a collection"},
		{"his box, as it is", "deploys to ward 7", "kind: Box\nname: box17\nfolder: Wards/7\nboundaries: [Ward 7]\nwipesPerHour: 3\n", 200, ""},
		{"the site's settings in his folder", "deploys to ward 7", "kind: SiteSettings\nname: site\nfolder: Wards/7\nclientAgent: true\n", 403, "as it would be"},
		{"the site's settings", "changes everything", "kind: SiteSettings\nname: site\nfolder: Wards/7\nclientAgent: true\n", 200, ""},
		{"a secret of others in his sequence", "sees all, changes folder 7", "kind: TaskSequence\nname: Mine\nfolder: Wards/7\nbootImage: linux-x64\nsteps: [{runCommandLine: {command: id, secrets: {X: join}}}]\n", 403, "can show its value"},
		{"a secret of his folder", "deploys to ward 7", "kind: TaskSequence\nname: Mine\nfolder: Wards/7\nsteps: [{runCommandLine: {command: id, secrets: {X: own}}}]\n", 200, ""},
		{"content to a box of others", "changes packages", "kind: Package\nname: tools\nboxes: ['*']\n", 403, "`deploy`"},
		{"content to his box", "deploys to ward 7", "kind: Package\nname: tools\nfolder: Wards/7\nboxes: [box7]\n", 200, ""},
		{"the history of another computer", "changes folder 7", "kind: Computer\nname: w7-pc2\nfolder: Wards/7\nmacs: [52:54:00:77:00:72]\nbox: box7\nformer: [HIDDEN]\n", 400, "none of its earlier records"},
		{"everything but persons", "changes everything", "kind: Person\nname: max\nrole: administrator\n", 403, "administrators alone"},
		{"a right to nothing that exists", "", "kind: Person\nname: new\nrights: [{allow: [see], collection: Ward 9}]\n", 400, `no Collection "Ward 9"`},
		{"a technician of no box", "", "kind: Person\nname: new\ntechnician: {boxes: ['*', box9]}\n", 400, `no Box "box9"`},
	} {
		p := people[c.who]
		if c.who == "" {
			p = r.person()
		}
		yaml := strings.ReplaceAll(c.yaml, "HIDDEN", hidden)
		code, raw := p.call("POST", "/v1/apply", api.Apply{DryRun: true, AcceptMissing: true, Documents: []api.Document{{File: "x.yaml", YAML: yaml}}})
		text := string(raw)
		if c.code != http.StatusOK {
			e := problemOf(t, raw)
			text = e.Error()
		}
		if code != c.code || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s, want %d %q", c.name, code, raw, c.code, c.want)
		}
		if c.code != http.StatusOK && strings.HasSuffix(c.who, " ward 7") && strings.Contains(string(raw), "Eight") && !strings.Contains(c.yaml, "Eight") {
			t.Errorf("%s: tells of the other ward: %s", c.name, raw)
		}
	}
}

// TestGrantsOfAnUnchangedAdvertisement: applying an advertisement again issues
// grants for machines that came later, so it deploys.
func TestGrantsOfAnUnchangedAdvertisement(t *testing.T) {
	r, people := twoWards(t)
	seven := "kind: Advertisement\nname: Seven\ncollection: Ward 7\nsequence: Debian\nmandatory: [asSoonAsPossible]\nconfirmedMachines: 1\n"
	r.apply("kind: Computer\nname: late\nmacs: [52:54:00:77:00:73]\nbox: box7\n---\nkind: Collection\nname: Ward 7\nmembers: [late]\n")
	before := r.grantsOf()
	for _, who := range []string{"reader", "sees ward 7", "changes ward 7", "changes everything"} {
		if code, raw := people[who].applies(seven); code != http.StatusForbidden {
			t.Errorf("as one who %s: %d %s", who, code, raw)
		}
	}
	if n := r.grantsOf(); n != before {
		t.Errorf("%d grants were issued", n-before)
	}
	if code, raw := people["deploys to ward 7"].applies(seven); code != http.StatusOK || r.grantsOf() != before+1 {
		t.Errorf("with deploy: %d %s", code, raw)
	}
}

// TestComputersOfOthersInCSV: rows that a person may not change are bad rows.
func TestComputersOfOthersInCSV(t *testing.T) {
	_, people := twoWards(t)
	in := api.ComputerImport{File: "x.csv", CSV: "name,mac,comment\nw7-pc1,52:54:00:77:00:07,mine\nw8-pc1,52:54:00:77:00:08,yours\n", SkipBad: true, DryRun: true}
	out := must[api.ComputerImported](t, people["changes ward 7"], "POST", "/v1/computers/import", in)
	if out.Updated != 1 || len(out.Bad) != 1 || out.Bad[0].Line != 3 || len(out.Preview) != 1 {
		t.Errorf("import: %+v", out)
	}
	in.CSV, in.Collection = "name,mac\nnew,52:54:00:77:00:99\n", "Ward 7"
	if code, raw := people["changes ward 7"].call("POST", "/v1/computers/import", in); code != 403 || !strings.Contains(string(raw), "deploy") {
		t.Errorf("into a collection with mandatory advertisements: %d %s", code, raw)
	}
	if out := must[api.ComputerImported](t, people["deploys to ward 7"], "POST", "/v1/computers/import", in); out.Created != 1 {
		t.Errorf("with deploy: %+v", out)
	}
	in.Collection = "Ward 8"
	if code, raw := people["deploys to ward 7"].call("POST", "/v1/computers/import", in); code != 404 {
		t.Errorf("into the other ward: %d %s", code, raw)
	}
}

// TestImportKeepsFolder: an import must not take an object out of the folder that
// its rights come from.
func TestImportKeepsFolder(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Package\nname: tools\nfolder: Own\n")
	m := r.upload(map[string][]byte{"a": []byte("x")})
	if code, raw := r.importing("Package", "tools", m); code != http.StatusOK || !strings.Contains(string(raw), `"folder":"Own"`) {
		t.Errorf("import: %d %s", code, raw)
	}
	own := r.add("own", "rights: [{allow: [change], folder: Own}]\n")
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"tools": 200, "new": 403} {
		if code, out := own.call("POST", "/v1/import", api.Import{Kind: "Package", Name: name, Manifest: raw}); code != want {
			t.Errorf("import of %s: %d %s, want %d", name, code, out, want)
		}
	}
}

// TestRightsEndAtOnce: the next request of a person goes by the rights that he has
// then.
func TestRightsEndAtOnce(t *testing.T) {
	r, people := twoWards(t)
	p := people["reader"]
	if code, _ := p.call("GET", "/v1/objects/Computer/w7-pc1", nil); code != 200 {
		t.Fatalf("before: %d", code)
	}
	r.apply("kind: Person\nname: rea\nrights: [{allow: [see], kind: Computer, name: w8-pc1}]\n")
	if code, _ := p.call("GET", "/v1/objects/Computer/w7-pc1", nil); code != 404 {
		t.Errorf("after: %d", code)
	}
	if code, raw := r.person().call("DELETE", "/v1/objects/Computer/w8-pc1", nil); code != 409 || !strings.Contains(string(raw), `Person`) {
		t.Errorf("delete what a right names: %d %s", code, raw)
	}
}
