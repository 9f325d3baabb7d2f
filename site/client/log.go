package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/bootward/bootward/api"
)

// Log copies smsts.log of the last job of a computer, or of a job, to w from an offset
// on, as its box sends it; with follow until the job has ended. It returns the job and
// where it stopped. A *api.Error says why it is not whole.
func (c *Client) Log(ctx context.Context, name string, offset int64, follow bool, w io.Writer) (job string, next int64, err error) {
	_, target := pathOf(api.RouteLog, name)
	q := url.Values{"offset": {strconv.FormatInt(offset, 10)}, "follow": {strconv.FormatBool(follow)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+target+"?"+q.Encode(), nil)
	if err != nil {
		return "", offset, err
	}
	resp, err := c.do(r)
	if err != nil {
		return "", offset, err
	}
	defer resp.Body.Close()
	at, err := strconv.ParseInt(resp.Header.Get(api.LogOffset), 10, 64)
	if err != nil {
		return "", offset, fmt.Errorf("site %s: log: %w", c.base, err)
	}
	n, err := io.Copy(w, resp.Body)
	if why := resp.Trailer.Get(api.LogBroken); err == nil && why != "" {
		broken := &api.Error{}
		if err = json.Unmarshal([]byte(why), broken); err == nil {
			err = broken
		}
	}
	return resp.Header.Get(api.LogJob), at + n, err
}
