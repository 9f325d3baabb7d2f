package site

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/bootward/bootward/trust"
)

const (
	// certificateAge is after how long the server makes itself a new
	// certificate, with a new key that never leaves memory.
	certificateAge = 7 * day
	shutdownTime   = 15 * time.Second
)

// Serve answers on the listener until ctx ends, then lets running requests
// finish for some seconds. It closes the listener. One program at a time may
// serve a directory.
func (s *Site) Serve(ctx context.Context, l net.Listener) (err error) {
	unlock, err := lockDir(s.dir)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, unlock()) }()
	own := &ownCertificate{site: s}
	if addr, ok := l.Addr().(*net.TCPAddr); ok && !addr.IP.IsUnspecified() {
		own.ips = []net.IP{addr.IP}
	}
	if own.get() == nil {
		return errors.Join(fmt.Errorf("serve: %w", own.err), l.Close())
	}
	server := &http.Server{
		Handler:           s.Handler(),
		TLSConfig:         trust.ServerTLS(s.anchor, own.get, s.now),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(l, "", "") }()
	updating, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { s.keepUpdated(updating) })
	defer work.Wait()
	defer stop()
	s.log.Info("site serves", "site", s.code, "address", l.Addr().String(), "fingerprint", s.anchor.Fingerprint())
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.changes.stop() // long polls answer at once
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err = server.Shutdown(last)
	if err != nil {
		err = errors.Join(fmt.Errorf("shut down: %w", err), server.Close())
	}
	<-ended
	s.log.Info("site stopped", "site", s.code)
	return err
}

// ownCertificate is the server's, made anew before it grows old.
type ownCertificate struct {
	site *Site
	ips  []net.IP

	mu   sync.Mutex
	made time.Time
	pair *tls.Certificate
	err  error
}

func (c *ownCertificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.site.now()
	if c.pair != nil && now.Sub(c.made) < certificateAge {
		return c.pair
	}
	pair, err := c.make(now)
	if err != nil {
		c.err = err
		c.site.log.Error("make server certificate", "error", err)
		return c.pair
	}
	c.pair, c.made = pair, now
	return c.pair
}

func (c *ownCertificate) make(now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	chain, err := c.site.keys.CA.SiteServer(key.Public(), now, c.ips...)
	if err != nil {
		return nil, fmt.Errorf("server certificate: %w", err)
	}
	keyPEM, err := trust.MarshalKey(key)
	if err != nil {
		return nil, err
	}
	return trust.KeyPair(chain, keyPEM)
}
