package managementpoint

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/bootward/bootward/internal/webserver"
	"github.com/bootward/bootward/trust"
)

// Life of the point's own certificate; a new one is made when a third is left.
const certificateLife = 30 * 24 * time.Hour

// Times of connections.
const (
	idleTime     = 2 * time.Minute
	shutdownTime = 3 * time.Second
)

// Serve answers agents on the listener until ctx ends. The box must be
// enrolled.
func (p *Point) Serve(ctx context.Context, l net.Listener) error {
	return p.ServeAll(ctx, l, p.Handler())
}

// ServeAll is Serve with a handler that has more routes than those of agents:
// they share the address and the certificate.
func (p *Point) ServeAll(ctx context.Context, l net.Listener, h http.Handler) error {
	self := p.Self()
	if self == nil {
		return errors.New("management point: the box is not enrolled yet")
	}
	certificate := &certificate{point: p}
	if certificate.get() == nil {
		return errors.New("management point: no certificate could be made")
	}
	srv := &http.Server{
		Handler: h, TLSConfig: trust.ServerTLS(self.Anchor, certificate.get, p.Now),
		ReadHeaderTimeout: 15 * time.Second, IdleTimeout: idleTime, MaxHeaderBytes: 32 << 10,
		ErrorLog:    log.New(&quiet{p.Log}, "", 0),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	if err := webserver.Run(ctx, srv, func() error { return srv.ServeTLS(l, "", "") }, shutdownTime); err != nil {
		return fmt.Errorf("management point on %s: %w", l.Addr(), err)
	}
	return nil
}

// certificate makes the server's certificate and renews it in time.
type certificate struct {
	point *Point
	mu    sync.Mutex
	now   *tls.Certificate
	renew time.Time
}

func (c *certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.point.Now()
	if c.now != nil && now.Before(c.renew) {
		return c.now
	}
	made, err := c.make(now)
	if err != nil {
		c.point.Log.Error("the management point's certificate could not be made", "error", err)
		return c.now
	}
	c.now, c.renew = made, now.Add(certificateLife*2/3)
	return made
}

func (c *certificate) make(now time.Time) (*tls.Certificate, error) {
	key, err := trust.NewKey()
	if err != nil {
		return nil, err
	}
	chain, err := c.point.Self().Authority.PointServer(key.Public(), now, certificateLife)
	if err != nil {
		return nil, err
	}
	keyPEM, err := trust.MarshalKey(key)
	if err != nil {
		return nil, err
	}
	return trust.KeyPair(chain, keyPEM)
}

// quiet passes what net/http says of broken connections on as debug lines, and
// what it says of handlers that panic as errors.
type quiet struct{ log *slog.Logger }

func (q *quiet) Write(b []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(b, []byte("panic serving")) { // of net/http: a fault of ours, with its stack
		level = slog.LevelError
	}
	q.log.Log(context.Background(), level, "connection", "error", string(b))
	return len(b), nil
}
