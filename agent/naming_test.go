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
)

// typing is a session at whose keyboard somebody types.
func (b *box) typing(screen *bytes.Buffer, text string) *session {
	s := b.newSession(screen)
	s.console = console.New(strings.NewReader(text), screen, func() time.Duration { return 0 })
	return s
}

func TestAskNames(t *testing.T) {
	b := newBox(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"true"}}]}`)
	ask := api.Offer{AskName: true, SuggestedName: "W12-S1"}
	for _, tt := range []struct {
		name  string
		o     api.Offers
		offer api.Offer
		types string
		want  typed
		ok    bool
		shows string
	}{
		{"nothing is asked", api.Offers{}, api.Offer{}, "", typed{}, true, ""},
		{"mandatory", api.Offers{AskReplaces: true}, api.Offer{AskName: true, Mandatory: true}, "", typed{}, true, ""},
		{"suggested", api.Offers{}, ask, "\r", typed{name: "W12-S1"}, true, "[W12-S1]"},
		{"typed", api.Offers{}, ask, " W12-bed1 \r", typed{name: "W12-bed1"}, true, ""},
		{"nothing suggested", api.Offers{}, api.Offer{AskName: true}, "\r", typed{}, true, "let the box choose"},
		{"too long", api.Offers{}, ask, "abcdefghijklmnop\rW12\r", typed{name: "W12"}, true, "at most 15"},
		{"characters", api.Offers{}, ask, "a_b\r-a\r17\rW12\r", typed{name: "W12"}, true, "is a number"},
		{"replaces", api.Offers{AskReplaces: true}, ask, "W12\rward7-pc1\r", typed{name: "W12", replaces: "ward7-pc1"}, true, "replace another?"},
		{"replaces nobody", api.Offers{AskReplaces: true}, api.Offer{}, "\r", typed{}, true, "replace another?"},
		{"Esc", api.Offers{AskReplaces: true}, ask, "\x1b", typed{}, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var screen bytes.Buffer
			s := b.typing(&screen, tt.types)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if ok := s.askNames(ctx, tt.o, tt.offer); ok != tt.ok || s.typed.name != tt.want.name || s.typed.replaces != tt.want.replaces || !strings.Contains(screen.String(), tt.shows) {
				t.Errorf("%v, typed %+v, want %+v\n%s", ok, s.typed, tt.want, screen.String())
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
