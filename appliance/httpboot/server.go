package httpboot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/bootward/bootward/internal/webserver"
)

// Times of the server. A boot file takes as long as the line needs, so there is no
// limit on a whole answer; a client that takes nothing for stallTime is dropped by TCP
// (TCP_USER_TIMEOUT).
const (
	headerTime   = 10 * time.Second
	idleTime     = 30 * time.Second
	shutdownTime = 3 * time.Second
	stallTime    = 30 * time.Second
	maxHeader    = 16 << 10
)

// Server runs an HTTP handler on an opened listener. The handler is a mux of the
// wiring that sends /boot/ to a Handler, or a Handler itself.
type Server struct {
	Listener net.Listener // from Listen
	Handler  http.Handler
}

// Listen opens the boot files' TCP port, "0.0.0.0:80" on a box. Of connections
// beyond 64 of one address, or 1500 in all, it closes the new ones.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	lc := net.ListenConfig{Control: setUserTimeout}
	l, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("httpboot: %s is held by another program: stop the other web server of this host: %w", address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("httpboot: listen on %s: %w", address, err)
	}
	return newCrowd(l, maxPerSource, maxTotal), nil
}

// Run serves until ctx ends, gives running transfers a moment, and returns nil.
func (s *Server) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler: s.Handler, ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       log.New(io.Discard, "", 0), // broken connections of firmware; transfers are reported
		BaseContext:    func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	if err := webserver.Run(ctx, srv, func() error { return srv.Serve(s.Listener) }, shutdownTime); err != nil {
		return fmt.Errorf("httpboot on %s: %w", s.Listener.Addr(), err)
	}
	return nil
}
