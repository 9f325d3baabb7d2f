package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
)

// typing is a session at whose keyboard somebody types.
func (b *box) typing(screen *bytes.Buffer, text string) *session {
	s := b.newSession(screen)
	s.console = console.New(strings.NewReader(text), screen, func() time.Duration { return 0 })
	return s
}

// TestWizardAsks: what the person types into the pages reaches the claim and the variables;
// the machine begins only behind YES where it erases.
func TestWizardAsks(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"true"}}]}`)
	ask := api.Offer{Name: "Ward PCs", AskName: true, SuggestedName: "W12-S1"}
	questions := ask
	questions.Questions = []sequence.Question{{Variable: "Bay", Prompt: "Which bay?"}, {Variable: "Pin", Prompt: "PIN?", Secret: true}}
	for _, tt := range []struct {
		name     string
		replaces bool
		offer    api.Offer
		types    string
		want     typed
		ok       bool
		shows    string
	}{
		{"nothing is asked", false, api.Offer{}, "1\r", typed{}, true, ""},
		{"suggested", false, ask, "1\r\r\r", typed{name: "W12-S1", asked: true}, true, "[W12-S1]"},
		{"typed", false, ask, "1\r W12-bed1 \r\r", typed{name: "W12-bed1", asked: true}, true, ""},
		{"nothing suggested", false, api.Offer{AskName: true}, "1\r\r\r", typed{asked: true}, true, "let the box choose"},
		{"too long", false, ask, "1\rabcdefghijklmnop\rW12\r\r", typed{name: "W12", asked: true}, true, "at most 15"},
		{"characters", false, ask, "1\r17\rW12\r\r", typed{name: "W12", asked: true}, true, "is a number"},
		{"replaces", true, ask, "1\rW12\rward7-pc1\r\r", typed{name: "W12", replaces: "ward7-pc1", asked: true}, true, "replace another?"},
		{"replaces nobody", true, api.Offer{}, "1\r\r\r", typed{asked: true}, true, "replace another?"},
		{"back, then given up", true, ask, "1\rW12\r\x03", typed{}, false, ""},
		{"questions", false, questions, "1\r\r7\rcanary\r\r", typed{name: "W12-S1", asked: true}, true, "Pin = ********"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := b.newSession(&bytes.Buffer{})
			s.conf.CommandLine = "bootward.prompted"
			screen := s.person(t, [2]string{"Number, or nothing", tt.types})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			chosen, _, _ := s.choose(ctx, api.Offers{AskReplaces: tt.replaces, Offers: []api.Offer{tt.offer}})
			if (chosen != nil) != tt.ok || s.typed != tt.want || !strings.Contains(screen.String(), tt.shows) || strings.Contains(screen.String(), "canary") {
				t.Errorf("%v, typed %+v, want %+v\n%s", chosen, s.typed, tt.want, screen.String())
			}
			if len(tt.offer.Questions) > 0 && (s.answers["Bay"] != "7" || s.answers["Pin"] != "canary") {
				t.Errorf("answers %q", s.answers)
			}
		})
	}
}

// TestBoxTakesAnotherName: what the box does not take is asked once more; the
// claim that it takes says it.
func TestBoxTakesAnotherName(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"true"}}]}`)
	routes := b.server.Config.Handler
	var claims []api.Claim
	b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(api.RouteClaim, " "+r.URL.Path) {
			routes.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		var c api.Claim
		if err := json.Unmarshal(body, &c); err != nil {
			t.Error(err)
		}
		claims = append(claims, c)
		var e *api.Error
		switch {
		case c.Name == "taken":
			e = api.Errorf(api.CodeRefused, api.FieldName, "computer name %q belongs to another computer", c.Name)
		case c.Replaces == "nobody":
			e = api.Errorf(api.CodeRefused, api.FieldReplaces, "the box knows no computer %q", c.Replaces)
		default:
			r.Body = io.NopCloser(bytes.NewReader(body))
			routes.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", api.ProblemType)
		w.WriteHeader(e.Status)
		if err := json.NewEncoder(w).Encode(e); err != nil {
			t.Error(err)
		}
	})
	var screen bytes.Buffer
	s := b.typing(&screen, "W12\rpc1\r")
	s.typed = typed{"taken", "nobody", true}
	if err := s.claim(t.Context(), api.Offer{Advertisement: "CEN20016"}, true); err != nil {
		t.Fatal(err)
	}
	if last := claims[len(claims)-1]; len(claims) != 3 || last.Name != "W12" || last.Replaces != "pc1" || !strings.Contains(screen.String(), "belongs to another computer") {
		t.Errorf("claims %+v\n%s", claims, screen.String())
	}
	// What nobody typed is not asked: the machine starts by itself.
	s.typed = typed{}
	if s.askAgain(t.Context(), api.Errorf(api.CodeRefused, api.FieldName, "no")) {
		t.Error("somebody was asked who is not there")
	}
}
