package main

import (
	"fmt"
	"time"
)

// resolution is what two equal servers differ by from turn to turn: in lock-step most of the
// time is the client's, and the kernel's to wake both.
const resolution = 0.97

type goal struct {
	what     string
	is       float64
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

// goals prints which goals are met, and how many in the last line.
func (r results) goals() {
	met := 0
	list := append(r.ratios(), r.sessions()...)
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
		fmt.Printf("%-6s  %s: %.2f, goal %s %.2f\n", word, g.what, g.is, sign, g.want)
		if !g.met() && g.whyNotIt != "" {
			fmt.Printf("        %s\n", g.whyNotIt)
		}
	}
	fmt.Printf("goals met: %d of %d\n", met, len(list))
}

func (r results) at(server string, window int, trip time.Duration) figures {
	return r[cell{server: server, window: window, trip: trip}]
}

func (r results) ratios() []goal {
	half := 500 * time.Microsecond
	own := r.at(ours, 64, 0)
	list := []goal{
		{what: "window 64, MB/s by those of atftpd", is: own.rate / r.at(atftpd, 64, 0).rate, want: 2,
			whyNotIt: "the client's own cost per packet bounds both where it shares processors with the server"},
		{what: "window 64, CPU per GB by that of atftpd", is: own.cost / r.at(atftpd, 64, 0).cost, want: 0.35, atMost: true},
		{what: "window 64, round trip 0.5 ms, MB/s by those of dnsmasq", is: r.at(ours, 64, half).rate / r.at(dnsmasq, 64, half).rate, want: 30,
			whyNotIt: "W·B/(RTT + W·B/rate) over dnsmasq's B/RTT; a lower rate without round trip leaves less of it"},
		{what: "window 64, round trip 0.5 ms, MB/s by W·B/(RTT + W·B/rate)", is: r.at(ours, 64, half).rate / formula(r.at(ours, 64, half).waited, own.rate), want: 0.9,
			whyNotIt: "after each wait both processors are idle: to wake them is in the time and not in the formula"},
	}
	for _, trip := range trips {
		for window, what := range []string{"no option", "window 1"} {
			best := max(r.at(atftpd, window, trip).rate, r.at(dnsmasq, window, trip).rate, r.at(hpa, window, trip).rate)
			list = append(list, goal{what: fmt.Sprintf("%s, round trip %.1f ms, MB/s by the best peer's", what, trip.Seconds()*1000),
				is: r.at(ours, window, trip).rate / best, want: resolution,
				whyNotIt: "lock-step is a wake-up per block, and the runtime's poller wakes later than select; the best of three is also the luckiest"})
		}
	}
	return list
}

// formula is the rate in MB/s that a window of 64 allows at a round trip.
func formula(trip time.Duration, rate float64) float64 {
	mb := 64 * block / 1e6
	return mb / (trip.Seconds() + mb/rate)
}

func (r results) sessions() []goal {
	last := crowds[len(crowds)-1]
	f := r[cell{server: ours, window: 64, crowd: last}]
	return []goal{
		{what: fmt.Sprintf("%d sessions at once, failures", last), is: float64(f.lost), atMost: true},
		{what: fmt.Sprintf("%d sessions at once, packets sent again by clients and blocks that came twice", last),
			is: float64(f.resent + f.doubled), atMost: true,
			whyNotIt: "clients and server share the processors: a client that waits for a second for its turn asks again"},
	}
}
