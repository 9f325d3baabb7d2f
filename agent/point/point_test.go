package point

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/trust"
)

// TestClock: a machine whose clock stands before the box's takes the box's time,
// also when the machine's clock is put right meanwhile; a box that lags behind
// is not followed.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now() // 2000: the machine has no battery
		built := start.Add(24 * time.Hour)
		c := NewClock(built)
		wrong := time.Duration(0)
		c.wall = func() time.Time { return time.Now().Round(0).Add(wrong) }
		if got := c.Now(); !got.Equal(built) {
			t.Errorf("before the box: %s", got)
		}
		box := start.Add(20 * 365 * 24 * time.Hour)
		c.Heard(box)
		time.Sleep(time.Hour)
		if got := c.Now(); !got.Equal(box.Add(time.Hour)) {
			t.Errorf("an hour later: %s", got)
		}
		c.Heard(start)
		if got := c.Now(); !got.Equal(box.Add(time.Hour)) {
			t.Errorf("after an older time: %s", got)
		}
		wrong = box.Sub(start) // the agent sets the machine's clock
		if got := c.Now(); !got.Equal(box.Add(time.Hour)) {
			t.Errorf("after the clock was set: %s", got)
		}
	})
}

// TestMove: a box that got another address is reached there, by the port and the name that
// were asked for.
func TestMove(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c := New(&trust.Anchor{}, "192.0.2.1", NewClock(time.Time{}), nil)
	c.Move("127.0.0.1")
	conn, err := c.HTTP.Transport.(*http.Transport).DialContext(t.Context(), "tcp", net.JoinHostPort("192.0.2.1", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.RemoteAddr().String(); got != l.Addr().String() || c.Base != "https://192.0.2.1" {
		t.Errorf("%s, base %s", got, c.Base)
	}
}
