package appliance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/bootward/bootward/internal/supervisor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// runMetrics serves /metrics (Prometheus text format) and /healthz.
func (b *Box) runMetrics(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.o.Config.Ports.Metrics.String())
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.gauges()...)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", b.health)
	srv := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// health answers 200 when the box is ready, else 503 with what is lacking.
func (b *Box) health(w http.ResponseWriter, _ *http.Request) {
	ready, lacking := Readiness(b.facts())
	w.Header().Set("Content-Type", "application/json")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": ready, "lacking": lacking}) // a client that went away needs no answer
}

// gauges are read when they are asked for.
func (b *Box) gauges() []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "bootward", Name: name, Help: help}, value)
	}
	return []prometheus.Collector{
		gauge("ready", "1 when the box can deploy a machine now.", func() float64 {
			ready, _ := Readiness(b.facts())
			return truth(ready)
		}),
		gauge("policy_number", "Number of the policy in force, 0 without one.", func() float64 {
			if s := b.snapshot(); s != nil {
				return float64(s.Number)
			}
			return 0
		}),
		gauge("policy_age_seconds", "Age of the policy in force.", func() float64 {
			if s := b.snapshot(); s != nil {
				return b.link.Now().Sub(s.IssuedAt).Seconds()
			}
			return 0
		}),
		gauge("content_wanted_bytes", "Content that policy needs.", func() float64 { return float64(b.sync.State().Wanted) }),
		gauge("content_held_bytes", "Of that, what is there and verified.", func() float64 { return float64(b.sync.State().Held) }),
		gauge("jobs_open", "Deployments that run now.", func() float64 {
			jobs, err := b.store.OpenJobs(context.Background())
			if err != nil {
				return -1
			}
			return float64(len(jobs))
		}),
		gauge("outbox_waiting", "Events that the site does not have yet.", func() float64 {
			n, err := b.store.Waiting(context.Background())
			if err != nil {
				return -1
			}
			return float64(n)
		}),
		gauge("flight_events_lost", "Events that were not recorded: too many at once, or the disk is full.", func() float64 { return float64(b.flight.Lost()) }),
		gauge("services_down", "Services that failed and wait, or failed for good.", func() float64 {
			n := 0
			for _, s := range b.super.States() {
				if s.Phase == supervisor.Waiting || s.Phase == supervisor.Failed {
					n++
				}
			}
			return float64(n)
		}),
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
