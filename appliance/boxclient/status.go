package boxclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/eventstream"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/osd/trace"
)

// Homepage counts machines by advertisement.
func (c *Client) Homepage(ctx context.Context) (out status.Homepage, err error) {
	return out, c.call(ctx, api.RouteHomepage, nil, &out)
}

// AdvertisementStatus says where each machine of an advertisement is.
func (c *Client) AdvertisementStatus(ctx context.Context, name string) (out status.AdvertisementStatus, err error) {
	return out, c.call(ctx, strings.Replace(api.RouteAdvertisementStatus, "{name}", url.PathEscape(name), 1), nil, &out)
}

// Unprovisioned lists the machines that are being deployed now.
func (c *Client) Unprovisioned(ctx context.Context) (out []trace.Machine, err error) {
	return out, c.call(ctx, api.RouteUnprovisioned, nil, &out)
}

// Jobs are the deployments that the box knows.
func (c *Client) Jobs(ctx context.Context) (out []api.JobState, err error) {
	return out, c.call(ctx, api.RouteJobs, nil, &out)
}

// AllMessages are the newest status messages; what is left empty selects all.
func (c *Client) AllMessages(ctx context.Context, computer, advertisement, job string) ([]status.Message, error) {
	var out api.Messages
	q := url.Values{"computer": {computer}, "advertisement": {advertisement}, "job": {job}}
	err := c.call(ctx, api.RouteMessages+"?"+q.Encode(), nil, &out)
	return out.Messages, err
}

// Events reads the stream of events, as site/client does.
func (c *Client) Events(ctx context.Context, after string, query url.Values, take func(status.Event) error) (string, error) {
	head := http.Header{}
	if after != "" {
		head.Set(eventstream.LastID, after)
	}
	resp, err := c.open(ctx, api.RouteEvents+"?"+query.Encode(), head)
	if err != nil {
		return after, err
	}
	defer resp.Body.Close()
	return eventstream.ReadAll(resp.Body, after, take)
}

// Log copies smsts.log of the last job of a computer, or of a job, to w from an offset
// on; with follow until the job has ended. It returns the job and where it stopped.
func (c *Client) Log(ctx context.Context, name string, offset int64, follow bool, w io.Writer) (job string, next int64, err error) {
	q := url.Values{"offset": {strconv.FormatInt(offset, 10)}, "follow": {strconv.FormatBool(follow)}}
	resp, err := c.open(ctx, strings.Replace(api.RouteBoxLog, "{name}", url.PathEscape(name), 1)+"?"+q.Encode(), http.Header{})
	if err != nil {
		return "", offset, err
	}
	defer resp.Body.Close()
	at, err := strconv.ParseInt(resp.Header.Get(api.LogOffset), 10, 64)
	if err != nil {
		return "", offset, fmt.Errorf("box %s: log: %w", c.base, err)
	}
	n, err := io.Copy(w, resp.Body)
	return resp.Header.Get(api.LogJob), at + n, err
}

// open sends a request whose answer is read as it comes.
func (c *Client) open(ctx context.Context, route string, head http.Header) (*http.Response, error) {
	method, target, _ := strings.Cut(route, " ")
	r, err := http.NewRequestWithContext(ctx, method, c.base+target, nil)
	if err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	r.Header = head
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("box %s: %w", c.base, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return nil, errors.Join(problem(resp, raw), err, resp.Body.Close())
}
