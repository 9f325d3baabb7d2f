package managementpoint

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust/trusttest"
)

// mayUse is who may use each route, written a second time: a route that is
// added, or opened wider, has to be added or opened here too.
var mayUse = map[string]who{
	api.RouteHello: nobody, api.RouteOffers: nobody, api.RoutePassword: nobody, api.RouteClaim: nobody, api.RouteDecline: nobody,
	api.RouteJob: openJob, api.RouteRenew: openJob, api.RouteErase: openJob, api.RouteSecrets: openJob, api.RouteManifest: openJob, api.RouteBlob: openJob,
	api.RouteStatus: endedJob, api.RouteJobLog: endedJob, api.RouteRetry: endedJob,
}

func TestEveryRouteIsExpected(t *testing.T) {
	have := map[string]who{}
	for _, rt := range routes {
		have[rt.pattern] = rt.who
		if method, _, _ := strings.Cut(rt.pattern, " "); method != http.MethodGet && (rt.limit <= 0 || rt.time <= 0) {
			t.Errorf("%s takes a body without a limit of %d bytes or of time %s", rt.pattern, rt.limit, rt.time)
		}
	}
	if !maps.Equal(have, mayUse) || len(have) != len(routes) {
		t.Errorf("routes %v, expected %v", have, mayUse)
	}
}

// FuzzBodies sends anything to every route that takes a body: the box may refuse
// it, but never fails.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{"", "{}", "null", "[]", `{"macs":["` + wardMAC + `"]}`, `{"macs":[""],"smbiosGUID":"x"}`,
		`{"macs":["` + wardMAC + `"],"inventory":{"adapters":[{"name":"\u001b[2J"}]}}`, `{"identity":{"macs":["` + wardMAC + `"]},"advertisement":"A1","csr":"MA=="}`, `{"identity":{"macs":["` + wardMAC + `"]},"password":"x"}`,
		`{"messages":[{"number":1,"id":11140}],"progress":{"step":-1}}`, `{"messages":[{"number":18446744073709551615}]}`, `{"disk":"\u0000"}`, `{"csr":null}`, `{"step":1,"key":"AA=="}`, `{"step":-1}`} {
		for i := range len(routes) {
			f.Add(i, seed)
		}
	}
	var bodies []string
	for _, pattern := range slices.Sorted(maps.Keys(mayUse)) {
		if strings.HasPrefix(pattern, http.MethodPost) {
			bodies = append(bodies, pattern)
		}
	}
	r := newRig(f)
	r.ward()
	p := r.direct(time.Now)
	cert, key := trusttest.Job(f, r.box, "open", time.Now())
	r.openJob("open", key)
	f.Fuzz(func(t *testing.T, n int, body string) {
		p.limits = limiter{} // it is not the limit that is looked at
		w, q := newExchange(t, bodies[((n%len(bodies))+len(bodies))%len(bodies)], cert)
		tls := q.TLS
		q = httptest.NewRequest(q.Method, q.URL.Path, strings.NewReader(body))
		q.TLS = tls
		p.Handler().ServeHTTP(w, q)
		if w.Code >= 500 || w.Code == 0 {
			t.Errorf("%s %q: %d %s", q.URL.Path, body, w.Code, w.Body)
		}
	})
}

// BenchmarkDecide is the decision for one PXE packet at a box whose policy holds
// many computers, each with a grant that was not used.
func BenchmarkDecide(b *testing.B) {
	for name, granted := range map[string]int{"20000 computers": 0, "20000 computers, 2000 grants": 2000, "20000 computers, 20000 grants": 20000} {
		b.Run(name, func(b *testing.B) { benchmarkDecide(b, granted) })
	}
}

func benchmarkDecide(b *testing.B, granted int) {
	r := newRig(b)
	r.wardOfWipes(20000, granted, 20000, time.Now())
	p := r.direct(time.Now)
	p.Evaluator()
	for i := 0; b.Loop(); i++ {
		if _, err := p.Decide(b.Context(), policy.Machine{MACs: []string{macOf(i % 20000)}}); err != nil {
			b.Fatal(err)
		}
	}
}
