package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/eventstream"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
)

// Homepage counts machines by advertisement.
func (c *Client) Homepage(ctx context.Context) (out status.Homepage, err error) {
	return out, c.call(ctx, api.RouteHomepage, nil, nil, nil, &out)
}

// AdvertisementStatus says where each machine of an advertisement is.
func (c *Client) AdvertisementStatus(ctx context.Context, name string) (out status.AdvertisementStatus, err error) {
	return out, c.call(ctx, api.RouteAdvertisementStatus, []string{name}, nil, nil, &out)
}

// Unprovisioned lists the machines that are being deployed now.
func (c *Client) Unprovisioned(ctx context.Context) (out []trace.Machine, err error) {
	return out, c.call(ctx, api.RouteUnprovisioned, nil, nil, nil, &out)
}

// Events reads the stream of events until it ends or ctx does. take is given each
// event, the first of which has no content: the stream has begun. after is where an
// earlier stream ended, or empty. It returns where this one ended.
func (c *Client) Events(ctx context.Context, after string, query url.Values, take func(status.Event) error) (string, error) {
	_, target := pathOf(api.RouteEvents)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+target+"?"+query.Encode(), nil)
	if err != nil {
		return after, err
	}
	if after != "" {
		r.Header.Set(eventstream.LastID, after)
	}
	resp, err := c.do(r)
	if err != nil {
		return after, err
	}
	defer resp.Body.Close()
	return eventstream.ReadAll(resp.Body, after, take)
}
