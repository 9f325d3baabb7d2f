package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// idle does nothing, and keeps the state as it would be written.
type idle struct{ bytes int }

func (*idle) Execute(context.Context, sequence.Line, *sequence.Environment) Result { return Result{} }

func (i *idle) Save(s State) error {
	raw, err := json.Marshal(s)
	i.bytes = len(raw)
	return err
}

func (*idle) Report(status.Message) error { return nil }

// many is a sequence of steps in groups of ten, each with a condition.
func many(tb testing.TB, steps int) *sequence.Sequence {
	tb.Helper()
	var b strings.Builder
	for i := range steps {
		if i%10 == 0 {
			fmt.Fprintf(&b, `%s{"group":"G%d","steps":[`, map[bool]string{true: "", false: "]},"}[i == 0], i)
		} else {
			b.WriteByte(',')
		}
		b.WriteString(`{"runCommandLine":{"command":"x","condition":{"all":[{"variable":"V1","equals":"%V2%"},{"variable":"V3","exists":true}]}}}`)
	}
	return decoded(tb, `{"format":1,"name":"s","steps":[`+b.String()+`]}]}`)
}

// BenchmarkStep is what the engine itself costs for each step, with 50 variables, in sequences
// of 100 and 900 steps. The disk is not in it: see the benchmark of package agent.
func BenchmarkStep(b *testing.B) {
	for _, steps := range []int{100, 900} {
		b.Run(fmt.Sprintf("steps=%d", steps), func(b *testing.B) {
			seq, env := many(b, steps), sequence.NewEnvironment()
			for i := range 50 {
				if err := env.Set(fmt.Sprintf("V%d", i), "the same value of forty characters or so"); err != nil {
					b.Fatal(err)
				}
			}
			i := &idle{}
			for b.Loop() {
				e := &Engine{Sequence: seq, State: New(env), Executor: i, Journal: i, Reporter: i, Stage: status.StageBootImage, Now: time.Now}
				if end, err := e.Run(b.Context()); err != nil || !end.Succeeded {
					b.Fatal(end, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N*steps), "ms/step")
			b.ReportMetric(float64(i.bytes), "bytes/state")
		})
	}
}
