package wizard

import (
	"bytes"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/agent/keys"
)

// TestSlowLine counts what a line of 9,600 baud has to carry, 960 bytes in a second: a page, a key,
// a second of progress.
func TestSlowLine(t *testing.T) {
	var b bytes.Buffer
	c := console.New(nil, &b, func() time.Duration { return 0 })
	w := New(about, ward)
	w.Adapters(adapters)
	count := func(what string, most int) {
		t.Helper()
		c.Page(w.Lines())
		if b.Len() > most {
			t.Errorf("%s: %d bytes, at most %d", what, b.Len(), most)
		}
		b.Reset()
	}
	count("the first page", 2*960)
	for _, key := range []struct {
		k    keys.Key
		most int
	}{
		{keys.Down, 40}, {keys.Down, 40}, {'1', 80}, {keys.Backspace, 20}, {'7', 20}, {'7', 2}, {keys.Enter, 100}, {keys.Backspace, 60},
		{'1', 40}, {keys.Enter, 2 * 960}, {'x', 20}, {'y', 1}, {keys.Enter, 2 * 960}, {keys.F2, 2 * 960}, {keys.Escape, 2 * 960},
	} {
		w.Press(key.k)
		count(string(rune(key.k)), key.most)
	}
	c.Again()
	b.Reset()
	c.Page(broken.Lines(), 23, 0)
	if b.Len() > 2*960 {
		t.Errorf("the end: %d bytes", b.Len())
	}
	p := Progress{Sequence: "Ward PC, Debian 12", Steps: 12, Number: 4, Step: "Apply Operating System", Total: 4 << 30}
	for i := range 100 {
		b.Reset()
		p.Done, p.Rate, p.Elapsed = int64(i)*(43<<20), float64(40+i%17)*(1<<20), time.Duration(i)*time.Second
		c.Panel(p.Panel(), true)
		if i > 0 && b.Len() >= 200 || b.Len() > 960 {
			t.Errorf("second %d: %d bytes", i, b.Len())
		}
	}
}
