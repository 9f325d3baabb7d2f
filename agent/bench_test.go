package agent

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/cmlog"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/outbox"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// taker is a box that takes every message at once.
type taker struct{}

func (taker) Status(_ context.Context, b api.StatusBatch) (api.StatusAck, error) {
	return api.StatusAck{Next: b.Messages[len(b.Messages)-1].Number + 1}, nil
}

// BenchmarkStep is what a step costs beside what it does: the state saved twice and a message,
// each on stable storage, and the log. It measures the disk that TMPDIR is on.
func BenchmarkStep(b *testing.B) {
	const steps = 50
	parts := make([]string, steps)
	for i := range parts {
		parts[i] = fmt.Sprintf(`{"setTaskSequenceVariable":{"variable":"V%d","value":"%%V%d%%x"}}`, i, i+1)
	}
	seq, err := sequence.Decode([]byte(`{"format":1,"name":"s","steps":[` + strings.Join(parts, ",") + `]}`))
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for b.Loop() {
		folder, err := job.Create(filepath.Join(dir, "job"))
		if err != nil {
			b.Fatal(err)
		}
		box, err := outbox.Open(folder, job.FileStatus, "j-1", 1, taker{})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- box.Run(ctx) }()
		x := &step.Executor{Log: slog.New(cmlog.NewHandler(job.NewLog(folder), slog.LevelInfo, nil))}
		e := &engine.Engine{Sequence: seq, State: engine.New(sequence.NewEnvironment()), Executor: x, Journal: journal{folder, &hidden{}}, Reporter: box, Stage: status.StageBootImage, Now: time.Now}
		if end, err := e.Run(ctx); err != nil || !end.Succeeded {
			b.Fatal(end, err)
		}
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N*steps), "ms/step")
}
