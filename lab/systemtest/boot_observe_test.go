//go:build system

package systemtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/selftest"
	"github.com/bootward/bootward/lab/machine"
)

// observe keeps what the machine asked by, and every word of the answers.
func (b *bootBoxRig) observe(e dhcp.Event) {
	if len(e.Why) == 0 {
		return
	}
	b.mu.Lock()
	switch {
	case e.Firmware == string(pxe.Agent):
		b.agent = true
	case e.Kind == dhcp.Requested:
		b.marks = append(b.marks, e.Time)
	case strings.HasPrefix(e.Why[0], "architecture"):
		if !slices.Contains(b.asked, e.Why[0]) {
			b.asked = append(b.asked, e.Why[0])
		}
		if e.Kind == dhcp.Seen && e.Port == dhcp.ServerPort {
			b.tries++
		}
		if e.Kind == dhcp.Offered || e.Kind == dhcp.Acked {
			b.marks = append(b.marks, e.Time)
		}
		b.told[strings.Join(e.Why, "; ")] = true
	}
	b.mu.Unlock()
	b.tell()
}

// overheard keeps what is said of another server.
func (b *bootBoxRig) overheard(o selftest.Offer) {
	if len(o.Words) == 0 || o.Server.String() == bootBox {
		return
	}
	b.mu.Lock()
	b.told[strings.Join(o.Words, "; ")] = true
	b.mu.Unlock()
	b.tell()
}

// appeared keeps the alarm of another server.
func (b *bootBoxRig) appeared(r selftest.Rival) {
	b.mu.Lock()
	b.alarms = append(b.alarms, r.String())
	b.mu.Unlock()
	b.tell()
}

// sent notes the end of a transfer.
func (b *bootBoxRig) sent() {
	b.mu.Lock()
	b.marks = append(b.marks, time.Now())
	b.mu.Unlock()
	b.tell()
}

func (b *bootBoxRig) tell() {
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// until waits for something that the servers note.
func (b *bootBoxRig) until(ctx context.Context, m *machine.Machine, what string, seen func() bool) error {
	for {
		b.mu.Lock()
		ok := seen()
		b.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-b.news:
		case <-m.Done():
			return fmt.Errorf("%s: went off before %s", m.Name(), what)
		case <-ctx.Done():
			return fmt.Errorf("%s: wait for %s: %w", m.Name(), what, ctx.Err())
		}
	}
}

// says reports whether the servers said these words.
func (b *bootBoxRig) says(words string) func() bool {
	return func() bool {
		for all := range b.told {
			if strings.Contains(all, words) {
				return true
			}
		}
		return slices.ContainsFunc(b.alarms, func(alarm string) bool { return strings.Contains(alarm, words) })
	}
}
