package technician

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
)

// TestTraceHasSteps: what the box recorded of a boot and what the agent reported are
// one timeline, also while the line is cut.
func TestTraceHasSteps(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	event := func(what, text string) status.FlightEvent {
		return status.FlightEvent{Time: r.clock, Client: pcMAC, Job: "J1", What: what, Text: text}
	}
	fatal(t, r.desk.Store.Record(ctx, event(status.FlightHTTP, "A/uki.efi")))
	fatal(t, r.desk.Store.OpenJob(ctx, store.Job{ID: "J1", Machine: "C1", Client: pcMAC, Opened: r.clock}, "", event(status.FlightJobStarted, "Wipe")))
	_, err := r.desk.Store.Append(ctx, "J1", []status.Message{{Job: "J1", Number: 1, Time: r.clock, ID: status.SequenceStarted},
		{Job: "J1", Number: 2, Time: r.clock, ID: status.ActionFailed, Step: 3, Action: "Apply", ExitCode: 50},
		{Job: "J1", Number: 3, Time: r.clock, ID: status.SequenceFailed}}, r.clock)
	fatal(t, err)
	var x trace.Trace
	code, _, _ := r.ask(api.RouteBoxTrace+"?client="+pcMAC, r.signIn("carl"), nil, &x)
	var all []string
	for _, e := range x.Entries {
		all = append(all, e.Text)
	}
	if code != http.StatusOK || len(all) != 5 || !strings.Contains(all[3], "3 Apply: FAILED (exit code 50)") {
		t.Errorf("%d %q", code, all)
	}
	if d := x.Diagnosis; d.Code != trace.JobFailed || !strings.Contains(d.Seen, "step 3 Apply, exit code 50") {
		t.Errorf("%+v", d)
	}
	if out := strings.Join(r.terminal("bob").Line(context.WithoutCancel(ctx), "trace "+pcMAC), "\n"); !strings.Contains(out, "what to do: ") {
		t.Error(out)
	}
}
