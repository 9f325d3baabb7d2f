package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

// Client calls a site. It may be used by several goroutines at once.
type Client struct {
	base, token string
	http        *http.Client
}

// New makes a client of a context.
func New(c *Context) (*Client, error) {
	anchor, err := c.anchor()
	if err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	pair, err := c.pair()
	if err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	t := &http.Transport{
		TLSClientConfig:       trust.ClientTLS(anchor, trust.IsSite(anchor.Site), func() *tls.Certificate { return pair }, time.Now),
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: 2 * time.Hour, // an import verifies many gigabytes before it answers
		IdleConnTimeout:       time.Minute,
	}
	return &Client{base: strings.TrimSuffix(c.URL, "/"), token: c.Token, http: &http.Client{Transport: t}}, nil
}

// pathOf fills the segments of a route of package api.
func pathOf(route string, segments ...string) (method, target string) {
	method, target, _ = strings.Cut(route, " ")
	for _, s := range segments {
		from, to := strings.Index(target, "{"), strings.Index(target, "}")
		target = target[:from] + url.PathEscape(s) + target[to+1:]
	}
	return method, target
}

// call sends a request with a JSON body (nil for none) and reads a JSON
// answer (nil for none). Errors of the site are *api.Error.
func (c *Client) call(ctx context.Context, route string, segments []string, query url.Values, in, out any) error {
	method, target := pathOf(route, segments...)
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+target, body)
	if err != nil {
		return err
	}
	resp, err := c.do(r)
	if err != nil {
		return err
	}
	if out != nil {
		err = json.NewDecoder(resp.Body).Decode(out)
	}
	return errors.Join(err, resp.Body.Close())
}

func (c *Client) do(r *http.Request) (*http.Response, error) {
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("site %s: %w", c.base, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	return resp, errors.Join(problem(resp), resp.Body.Close())
}

// problem reads the problem document of an answer.
func problem(resp *http.Response) error {
	e := &api.Error{}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil || json.Unmarshal(b, e) != nil || e.Code == "" {
		return api.Errorf(codeOf(resp.StatusCode), resp.Request.URL.Path, "the site answered %s", resp.Status)
	}
	return e
}

func codeOf(status int) api.Code {
	for _, c := range []api.Code{api.CodeInvalid, api.CodeUnauthorized, api.CodeForbidden, api.CodeNotFound, api.CodeConflict,
		api.CodeRefused, api.CodeTooMany, api.CodeUnavailable, api.CodeNoSpace} {
		if c.Status() == status {
			return c
		}
	}
	return api.CodeInternal
}

// WhoAmI is the person that token or certificate name, and what he may do.
func (c *Client) WhoAmI(ctx context.Context) (out api.Person, err error) {
	return out, c.call(ctx, api.RouteWhoAmI, nil, nil, nil, &out)
}

// Apply puts objects in place, or shows the plan.
func (c *Client) Apply(ctx context.Context, in api.Apply) (out api.Applied, err error) {
	return out, c.call(ctx, api.RouteApply, nil, nil, in, &out)
}

// List lists the objects of a kind.
func (c *Client) List(ctx context.Context, kind string) (out api.ObjectList, err error) {
	return out, c.call(ctx, api.RouteList, []string{kind}, nil, nil, &out)
}

// Get is one object, by name or ID.
func (c *Client) Get(ctx context.Context, kind, name string) (out json.RawMessage, err error) {
	return out, c.call(ctx, api.RouteGet, []string{kind, name}, nil, nil, &out)
}

// Delete deletes an object.
func (c *Client) Delete(ctx context.Context, kind, name string) error {
	return c.call(ctx, api.RouteDelete, []string{kind, name}, nil, nil, nil)
}

// Deletion is what Delete would do, and refuses what Delete would refuse.
func (c *Client) Deletion(ctx context.Context, kind, name string) (out api.Applied, err error) {
	return out, c.call(ctx, api.RouteDeletion, []string{kind, name}, nil, nil, &out)
}

// Token makes an enrolment token for a box.
func (c *Client) Token(ctx context.Context, box string) (out api.EnrolToken, err error) {
	return out, c.call(ctx, api.RouteToken, []string{box}, nil, nil, &out)
}

// Boxes is the state of every box.
func (c *Client) Boxes(ctx context.Context) (out []api.BoxState, err error) {
	return out, c.call(ctx, api.RouteBoxes, nil, nil, nil, &out)
}

// Grant issues grants anew.
func (c *Client) Grant(ctx context.Context, advertisement string, in api.GrantAgain) (out api.Granted, err error) {
	return out, c.call(ctx, api.RouteGrantAgain, []string{advertisement}, nil, in, &out)
}

// Messages is a page of status messages; fields left empty select all.
func (c *Client) Messages(ctx context.Context, computer, advertisement, job string, after int64) (out api.Messages, err error) {
	q := url.Values{}
	for k, v := range map[string]string{"computer": computer, "advertisement": advertisement, "job": job} {
		if v != "" {
			q.Set(k, v)
		}
	}
	q.Set("after", strconv.FormatInt(after, 10))
	return out, c.call(ctx, api.RouteMessages, nil, q, nil, &out)
}

// AllMessages reads every page from the beginning.
func (c *Client) AllMessages(ctx context.Context, computer, advertisement, job string) ([]status.Message, error) {
	var all []status.Message
	for after := int64(0); ; {
		page, err := c.Messages(ctx, computer, advertisement, job, after)
		if err != nil || len(page.Messages) == 0 {
			return all, err
		}
		all, after = append(all, page.Messages...), page.Next
	}
}

// Jobs are the deployments that were reported.
func (c *Client) Jobs(ctx context.Context) (out []api.JobState, err error) {
	return out, c.call(ctx, api.RouteJobs, nil, nil, nil, &out)
}

// Flight is the flight recorder of a machine (MAC), or of all.
func (c *Client) Flight(ctx context.Context, client string) (out []status.FlightEvent, err error) {
	q := url.Values{}
	if client != "" {
		q.Set("client", client)
	}
	return out, c.call(ctx, api.RouteFlight, nil, q, nil, &out)
}

// Audit is the audit log behind an entry.
func (c *Client) Audit(ctx context.Context, after int64) (out []api.AuditEntry, err error) {
	return out, c.call(ctx, api.RouteAudit, nil, url.Values{"after": {strconv.FormatInt(after, 10)}}, nil, &out)
}

// Anchor is the signed trust anchor of the site.
func (c *Client) Anchor(ctx context.Context) (out json.RawMessage, err error) {
	return out, c.call(ctx, api.RouteAnchor, nil, nil, nil, &out)
}

// Distribute assigns content to boxes, or takes it away from them.
func (c *Client) Distribute(ctx context.Context, kind, name string, in api.Distribute) (out api.Distributed, err error) {
	return out, c.call(ctx, api.RouteDistribute, []string{kind, name}, nil, in, &out)
}

// ContentStatus says which boxes hold which content; name is empty for all.
func (c *Client) ContentStatus(ctx context.Context, name string) (out []api.ContentStatus, err error) {
	q := url.Values{}
	if name != "" {
		q.Set("name", name)
	}
	return out, c.call(ctx, api.RouteContent, nil, q, nil, &out)
}

// Explain says what a computer would get and why; fields of the question that
// are left empty have their usual meaning.
func (c *Client) Explain(ctx context.Context, computer, at, box, where, event string) (out policy.Explanation, err error) {
	q := url.Values{}
	for k, v := range map[string]string{"at": at, "box": box, "where": where, "event": event} {
		if v != "" {
			q.Set(k, v)
		}
	}
	return out, c.call(ctx, api.RouteExplain, []string{computer}, q, nil, &out)
}

// Members is who is in a collection.
func (c *Client) Members(ctx context.Context, collection string) (out api.Members, err error) {
	return out, c.call(ctx, api.RouteMembers, []string{collection}, nil, nil, &out)
}

// Ready says which deployments a box could finish if its line were cut now.
func (c *Client) Ready(ctx context.Context, box string) (out api.BoxReady, err error) {
	return out, c.call(ctx, api.RouteSiteReady, []string{box}, nil, nil, &out)
}

// Order tells boxes something.
func (c *Client) Order(ctx context.Context, in api.Order) (out api.Ordered, err error) {
	return out, c.call(ctx, api.RouteOrder, nil, nil, in, &out)
}

// ImportComputers imports computers from CSV.
func (c *Client) ImportComputers(ctx context.Context, in api.ComputerImport) (out api.ComputerImported, err error) {
	return out, c.call(ctx, api.RouteComputerImport, nil, nil, in, &out)
}

// Pending lists the machines that wait for approval at all boxes.
func (c *Client) Pending(ctx context.Context) (out []api.BoxPending, err error) {
	return out, c.call(ctx, api.RouteSitePending, nil, nil, nil, &out)
}

// Decide approves or denies the machine that shows a code.
func (c *Client) Decide(ctx context.Context, code string, in api.SiteDecision) (out api.Ordered, err error) {
	return out, c.call(ctx, api.RouteSiteDecide, []string{code}, nil, in, &out)
}
