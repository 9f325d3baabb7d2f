package point

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
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

// TestSilence: a box that falls silent in the middle of an answer is noticed, and the read ends.
func TestSilence(t *testing.T) {
	c := New(&trust.Anchor{}, "192.0.2.1", NewClock(time.Time{}), nil)
	transport := c.HTTP.Transport.(*http.Transport)
	if h := transport.HTTP2; h == nil || h.SendPingTimeout != silence || h.PingTimeout != silence {
		t.Fatalf("%+v", transport.HTTP2)
	}
	transport.HTTP2.SendPingTimeout, transport.HTTP2.PingTimeout = 50*time.Millisecond, 50*time.Millisecond
	box := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("begin"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	box.EnableHTTP2 = true
	box.StartTLS()
	defer box.Close()
	transport.TLSClientConfig = box.Client().Transport.(*http.Transport).TLSClientConfig
	var cable atomic.Bool // taken away
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, box.Listener.Addr().String())
		return silent{conn, &cable}, err
	}
	answer, err := c.HTTP.Get("https://example.com/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	begin := make([]byte, 5)
	if _, err := io.ReadFull(answer.Body, begin); err != nil || answer.ProtoMajor != 2 {
		t.Fatal(err, answer.Proto)
	}
	cable.Store(true)
	ended := make(chan error, 1)
	go func() { _, err := answer.Body.Read(begin); ended <- err }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it read something")
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody noticed")
	}
}

// silent is a connection over a cable that can be taken away: what is sent is lost.
type silent struct {
	net.Conn
	gone *atomic.Bool
}

func (s silent) Write(p []byte) (int, error) {
	if s.gone.Load() {
		return len(p), nil
	}
	return s.Conn.Write(p)
}
