// Package webserver ends an HTTP server with its context.
package webserver

import (
	"context"
	"net/http"
	"time"
)

// Run serves until ctx ends, gives running requests a moment, closes what is left,
// and returns nil. An error is one of serving before that.
func Run(ctx context.Context, srv *http.Server, serve func() error, moment time.Duration) error {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
	})
	err := serve()
	if stop() {
		return err
	}
	<-ended
	return nil
}
