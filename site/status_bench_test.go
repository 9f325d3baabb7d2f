//go:build bench

package site

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust/trusttest"
)

// size reads a number of the environment.
func size(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// The load of 10,000 boxes: each deploys one machine after the other, in 30 minutes, of
// which come 100 events (60 status messages, 40 of the flight recorder), sent as they
// are made, one in a batch: 10,000 · 100 / 1,800 s.
const (
	boxesLoad   = 10_000
	eventsOfJob = 100
	jobSeconds  = 1_800
	timesLoad   = 5
)

// BenchmarkStatus measures the site with many jobs and messages in its store. It runs
// once, whatever b.N is, and prints a table.
func BenchmarkStatus(b *testing.B) {
	jobs, messages := size("STATUS_JOBS", 100_000), size("STATUS_MESSAGES", 5_000_000)
	dir := filepath.Join(b.TempDir(), "site")
	made, err := Init(b.Context(), dir, "CEN", "ann", time.Now())
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(b.Context(), dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	began := time.Now()
	fill(b, s, jobs, messages)
	took := time.Since(began)
	info, err := os.Stat(filepath.Join(dir, databaseFile))
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("| store: %d jobs, %d messages, %.1f GB; filled in %.0f s\n", jobs, messages, float64(info.Size())/1e9, took.Seconds())
	met, goals := 0, 0
	goal := func(name string, ok bool) {
		goals++
		word := "missed"
		if ok {
			met++
			word = "met"
		}
		fmt.Printf("| goal %s: %s\n", name, word)
	}
	c := &benchClient{b, s.Handler(), made.Token}
	r := c.reports(jobs, 300)
	fmt.Printf("| report of one computer: p50 %s, p99 %s, worst %s\n", at(r, 50), at(r, 99), at(r, 100))
	goal("report of one computer, p99 under 100 ms", at(r, 99) < 100*time.Millisecond)
	h := c.timed(20, func(int) { c.get("/v1/status/homepage", &status.Homepage{}) })
	fmt.Printf("| homepage of all jobs: p50 %s, worst %s\n", at(h, 50), at(h, 100))
	rate := float64(boxesLoad*eventsOfJob) / jobSeconds
	perSecond, lag := paced(b, s, timesLoad*rate, time.Duration(size("STATUS_SECONDS", 30))*time.Second)
	fmt.Printf("| ingest, one event in a batch, at %d times the load of %d boxes (%.0f batches/s wanted): %.0f/s, p50 %s, p99 %s, worst %s\n",
		timesLoad, boxesLoad, timesLoad*rate, perSecond, at(lag, 50), at(lag, 99), at(lag, 100))
	goal("ingest keeps up, p99 under 1 s", perSecond > 0.98*timesLoad*rate && at(lag, 99) < time.Second)
	rows, batch := bulk(b, s, size("STATUS_BATCHES", 200))
	fmt.Printf("| ingest, 500 messages in a batch, one box: %.0f messages/s, p99 of a batch %s\n", rows, at(batch, 99))
	if peer, err := strconv.ParseFloat(os.Getenv("STATUS_PEER_ROWS"), 64); err == nil {
		fmt.Printf("| PostgreSQL, INSERT of 500 rows, one writer: %.0f rows/s; ratio %.2f\n", peer, rows/peer)
		goal("a batch of one box, at least half as fast as PostgreSQL's insert", rows >= peer/2)
	}
	fmt.Printf("| goals met: %d of %d\n", met, goals)
}

func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)].Round(10 * time.Microsecond)
}

// benchMessage is a message as agents make them.
func benchMessage(job, computer string, n int) status.Message {
	return status.Message{Job: job, Number: uint64(n), Time: time.Unix(1_790_000_000+int64(n), 0), ID: status.ActionCompleted, Step: n, Action: "Install Software Updates",
		Group: "Install Operating System", Stage: status.StageInstalledSystem, Computer: computer, Advertisement: "CEN20016", Sequence: "Ward PC, Debian 12",
		Output: "Get:14 main/updates amd64 Packages [1,234 kB]\nFetched 9,876 kB in 3s (3,292 kB/s)\nReading package lists... Done\n"}
}

func fill(b *testing.B, s *Site, jobs, messages int) {
	each := messages / jobs
	for from := 0; from < jobs; from += 200 {
		if err := s.store.Write(b.Context(), func(x store.Tx) error {
			for n := 1; n <= each; n++ { // jobs run beside each other
				for job := from; job < min(from+200, jobs); job++ {
					if err := x.AddMessage("CEN00001", benchMessage(fmt.Sprintf("job-%d", job), computerOf(job), n)); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// computerOf: each computer has two jobs.
func computerOf(job int) string { return fmt.Sprintf("pc-%d", job/2) }

// benchClient asks as the command line does, without the network.
type benchClient struct {
	b       *testing.B
	handler http.Handler
	token   string
}

func (c *benchClient) get(path string, into any) {
	q := httptest.NewRequest("GET", path, nil)
	q.Header.Set("Authorization", "Bearer "+c.token)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, q)
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Code != http.StatusOK {
		c.b.Fatalf("%s: %d %v %.200s", path, w.Code, err, w.Body)
	}
}

func (c *benchClient) timed(n int, do func(int)) []time.Duration {
	var all []time.Duration
	for i := range n {
		began := time.Now()
		do(i)
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all
}

func (c *benchClient) reports(jobs, n int) []time.Duration {
	return c.timed(n, func(int) {
		computer := computerOf(rand.IntN(jobs))
		var all []status.Message
		for after := int64(0); ; {
			var page api.Messages
			c.get(fmt.Sprintf("/v1/messages?computer=%s&after=%d", url.QueryEscape(computer), after), &page)
			if len(page.Messages) == 0 {
				break
			}
			all, after = append(all, page.Messages...), page.Next
		}
		if r := status.NewReport(computer, "CEN20016", all); len(r.Rows) == 0 {
			c.b.Fatalf("no row of %s", computer)
		}
	})
}

// benchBoxes enrols some boxes, through which the events of all come.
func benchBoxes(b *testing.B, s *Site, prefix string, n int) (ids []string) {
	yaml := ""
	for i := range n {
		yaml += fmt.Sprintf("kind: Box\nname: %s%d\n---\n", prefix, i)
	}
	if _, err := s.Apply(b.Context(), "ann", api.Apply{Documents: []api.Document{{File: "b", YAML: yaml}}}); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		token, err := s.EnrolToken(b.Context(), "ann", fmt.Sprintf("%s%d", prefix, i))
		if err != nil {
			b.Fatal(err)
		}
		_, csr := trusttest.Key(b)
		e, err := s.Enrol(b.Context(), api.Enrol{Token: token.Token, ClientCSR: csr, IntermediateCSR: csr, StateID: "s"})
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, e.Box)
	}
	return ids
}

// paced sends batches of one event at a rate, and says how long after its time each was
// on the disk: a site that falls behind shows it.
func paced(b *testing.B, s *Site, rate float64, d time.Duration) (perSecond float64, lag []time.Duration) {
	ids := benchBoxes(b, s, "paced", 256)
	var mu sync.Mutex
	var work sync.WaitGroup
	began, total := time.Now(), int(rate*d.Seconds())
	for i, id := range ids {
		work.Go(func() {
			var own []time.Duration
			for k, number := i, uint64(1); k < total; k, number = k+len(ids), number+1 {
				due := began.Add(time.Duration(float64(k) / rate * float64(time.Second)))
				time.Sleep(time.Until(due))
				m := benchMessage("paced-"+id, "paced-"+id, int(number))
				e := api.BoxEvent{Number: number, Status: &m}
				if number%5 < 2 {
					e = api.BoxEvent{Number: number, Flight: &status.FlightEvent{Time: due, Client: "52:54:00:77:00:11", What: status.FlightHTTP, Text: "initrd, 21.7 MB in 1.2 s"}}
				}
				if _, err := s.TakeEvents(context.Background(), id, api.EventBatch{StateID: "s", Events: []api.BoxEvent{e}}); err != nil {
					b.Error(err)
					return
				}
				own = append(own, time.Since(due))
			}
			mu.Lock()
			defer mu.Unlock()
			lag = append(lag, own...)
		})
	}
	work.Wait()
	slices.Sort(lag)
	return float64(len(lag)) / time.Since(began).Seconds(), lag
}

// bulk is a box that was cut off and sends what it kept.
func bulk(b *testing.B, s *Site, batches int) (rows float64, took []time.Duration) {
	id, number := benchBoxes(b, s, "bulk", 1)[0], 0
	began := time.Now()
	for range batches {
		batch := api.EventBatch{StateID: "s"}
		for range 500 {
			number++
			m := benchMessage(fmt.Sprintf("bulk-%d", number/50), "bulk", number%50+1)
			batch.Events = append(batch.Events, api.BoxEvent{Number: uint64(number), Status: &m})
		}
		start := time.Now()
		if _, err := s.TakeEvents(b.Context(), id, batch); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return float64(number) / time.Since(began).Seconds(), took
}
