package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/internal/supervisor"
)

// persist calls f until it succeeds. While the box cannot be reached it waits, however long that
// is; where the box answers, or what it gives is wrong, it is tried o.Retries times more, counted
// anew when bytes came that had not come before.
func (m *Packages) persist(ctx context.Context, o step.Fetching, f func(came func(total int64)) error) error {
	most, tries, away := int64(0), 0, false
	for {
		err := f(func(total int64) {
			if total > most {
				most, tries = total, 0
			}
		})
		if err == nil && away {
			m.Say("the box is back")
		}
		var full *content.SpaceError
		unreachable := unreachable(err)
		switch {
		case err == nil, ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case api.Final(err), errors.As(err, &full):
			return err
		case unreachable && !away:
			m.Say(fmt.Sprintf("the box cannot be reached: waiting for it, and going on when it is back: %v", err))
		case !unreachable && tries >= o.Retries:
			return fmt.Errorf("given up after %d tries (SMSTSDownloadRetryCount): %w", tries+1, err)
		case !unreachable:
			tries++
			m.Say(fmt.Sprintf("the download was broken off, going on: %v", err))
		}
		away = unreachable
		supervisor.Sleep(ctx, max(o.Delay, time.Second))
	}
}

// unreachable says that there was no answer, for whatever reason. net.Error would not do: errors of
// the disk are that, too.
func unreachable(err error) bool {
	var request *url.Error
	var socket *net.OpError
	return errors.As(err, &request) || errors.As(err, &socket)
}
