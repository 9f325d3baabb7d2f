package main

import (
	"fmt"
	"slices"
	"time"
)

// resolution is what two equal servers differ by from turn to turn: in lock-step most of the
// time is the client's, and the kernel's to wake both.
const resolution = 0.97

type goal struct {
	what     string
	is       float64
	spread   string // of the rounds; empty where there is one
	want     float64
	atMost   bool
	whyNotIt string
}

func (g goal) met() bool {
	if g.atMost {
		return g.is <= g.want
	}
	return g.is >= g.want
}

// print says which goals are met, and how many in the last line.
func print(list []goal) {
	met := 0
	fmt.Println()
	for _, g := range list {
		word, sign := "missed", "at least"
		if g.met() {
			word = "met"
			met++
		}
		if g.atMost {
			sign = "at most"
		}
		fmt.Printf("%-6s  %s: %.2f%s, goal %s %.2f\n", word, g.what, g.is, g.spread, sign, g.want)
		if !g.met() && g.whyNotIt != "" {
			fmt.Printf("        %s\n", g.whyNotIt)
		}
	}
	fmt.Printf("goals met: %d of %d\n", met, len(list))
}

func (r results) at(server string, window int, trip time.Duration) figures {
	return r.sum(cell{server: server, window: window, trip: trip})
}

// rate is the goal that our rate is so many times that of a server. Each of our turns is held
// against the server's turn of the same round, as this machine's speed drifts; the median of
// these ratios counts, and the quartiles tell how sure it is.
func (r results) rate(what, server string, window int, trip time.Duration, want float64, why string) goal {
	own, other := r[cell{server: ours, window: window, trip: trip}], r[cell{server: server, window: window, trip: trip}]
	ratios := make([]float64, len(own))
	for i := range own {
		ratios[i] = own[i].rate / other[i].rate
	}
	return goal{what: what, is: quantile(ratios, 0.5), want: want, whyNotIt: why,
		spread: fmt.Sprintf(" (%.2f to %.2f)", quantile(ratios, 0.25), quantile(ratios, 0.75))}
}

func (r results) ratios() []goal {
	own := r.at(ours, 64, 0)
	list := []goal{
		r.rate("window 64, MB/s by those of atftpd", atftpd, 64, 0, 2,
			"the client's own cost per packet bounds both where it shares processors with the server"),
		{what: "window 64, CPU per GB by that of atftpd", is: own.cost() / r.at(atftpd, 64, 0).cost(), want: 0.35, atMost: true},
	}
	if half := 500 * time.Microsecond; slices.Contains(trips, half) {
		late := r.at(ours, 64, half)
		list = append(list,
			r.rate("window 64, round trip 0.5 ms, MB/s by those of dnsmasq", dnsmasq, 64, half, 30,
				"W·B/(RTT + W·B/rate) over dnsmasq's B/RTT; a lower rate without round trip leaves less of it"),
			goal{what: "window 64, round trip 0.5 ms, MB/s by W·B/(RTT + W·B/rate)", is: late.rate / formula(late.waited, own.rate), want: 0.9,
				whyNotIt: "after each wait both processors are idle: to wake them is in the time and not in the formula"})
	}
	for _, trip := range trips {
		for window, what := range []string{"no option", "window 1"} {
			list = append(list, r.best(fmt.Sprintf("%s, round trip %.1f ms", what, trip.Seconds()*1000), window, trip))
		}
	}
	return list
}

// best is the goal against the peer that we do worst against.
func (r results) best(what string, window int, trip time.Duration) goal {
	var worst goal
	for _, peer := range []string{atftpd, dnsmasq, hpa} {
		g := r.rate(what+", MB/s by those of the best peer, "+peer, peer, window, trip, resolution, "lock-step is a wake-up per block")
		if worst.what == "" || g.is < worst.is {
			worst = g
		}
	}
	return worst
}

// formula is the rate in MB/s that a window of 64 allows at a round trip.
func formula(trip time.Duration, rate float64) float64 {
	mb := 64 * block / 1e6
	return mb / (trip.Seconds() + mb/rate)
}

func (r results) sessions() []goal {
	last := crowds[len(crowds)-1]
	f := r[cell{server: ours, window: 64, crowd: last}][0]
	return []goal{
		{what: fmt.Sprintf("%d sessions at once, failures", last), is: float64(f.lost), atMost: true},
		{what: fmt.Sprintf("%d sessions at once, packets sent again by clients and blocks that came twice", last),
			is: float64(f.resent + f.doubled), atMost: true,
			whyNotIt: "clients and server share the processors: a client that waits for a second for its turn asks again"},
	}
}

// virtio are the goals between two machines.
func (r results) virtio() (list []goal) {
	for _, window := range []int{16, 64} {
		list = append(list, r.rate(fmt.Sprintf("window %d, MB/s by those of atftpd", window), atftpd, window, 0, resolution, ""))
	}
	return list
}
