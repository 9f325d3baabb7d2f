package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
)

// Upload is what an import sends and how it tells of it.
type Upload struct {
	// Path is a file, or a folder whose files are the content.
	Path string
	// Progress is told of what is done and how much of the whole; stage is
	// "hashing", "sending" or "verifying". It may be nil.
	Progress func(stage string, done, total int64)
}

func (u *Upload) tell(stage string, done, total int64) {
	if u.Progress != nil {
		u.Progress(stage, done, total)
	}
}

// Import hashes a file or a folder, sends what the site does not have, and
// makes the object. An upload that was cut off goes on where it was.
func (c *Client) Import(ctx context.Context, in api.Import, u Upload) (json.RawMessage, error) {
	total, err := size(u.Path)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", u.Path, err)
	}
	var done int64
	m, err := content.Scan(ctx, u.Path, func(n int64) {
		done += n
		u.tell("hashing", done, total)
	})
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", u.Path, err)
	}
	done = 0
	for _, f := range m.Files {
		base := done
		err := c.send(ctx, u.file(f), f, func(n int64) { u.tell("sending", base+n, m.Bytes()) })
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", u.file(f), err)
		}
		done += f.Size
	}
	if in.Manifest, err = json.Marshal(m); err != nil {
		return nil, err
	}
	u.tell("verifying", 0, m.Bytes())
	var out json.RawMessage
	err = c.call(ctx, api.RouteImport, nil, nil, in, &out)
	return out, err
}

// file is where a file of the manifest lies here.
func (u *Upload) file(f content.File) string {
	if st, err := os.Stat(u.Path); err == nil && !st.IsDir() {
		return u.Path
	}
	return filepath.Join(u.Path, filepath.FromSlash(f.Path))
}

func size(path string) (int64, error) {
	var n int64
	err := filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		if err == nil {
			n += st.Size()
		}
		return err
	})
	return n, err
}

const (
	tries    = 6
	firstGap = 500 * time.Millisecond
)

// send uploads one file, and goes on after passing failures.
func (c *Client) send(ctx context.Context, path string, f content.File, progress func(int64)) error {
	gap := firstGap
	for try := 1; ; try++ {
		err := c.sendOnce(ctx, path, f, progress)
		var e *api.Error
		if err == nil || ctx.Err() != nil || try == tries || errors.As(err, &e) && !e.Retryable && e.Code != api.CodeConflict || errors.As(err, &e) && e.Code == api.CodeNoSpace {
			return err
		}
		timer := time.NewTimer(gap)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		gap *= 2
	}
}

func (c *Client) sendOnce(ctx context.Context, path string, f content.File, progress func(int64)) error {
	offset, complete, err := c.offset(ctx, f.SHA256)
	if err != nil {
		return err
	}
	if complete {
		progress(f.Size)
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	if _, err = file.Seek(offset, io.SeekStart); err == nil {
		err = c.put(ctx, file, f, offset, progress)
	}
	return errors.Join(err, file.Close())
}

func (c *Client) put(ctx context.Context, file io.Reader, f content.File, offset int64, progress func(int64)) error {
	method, target := pathOf(api.RouteUploadBlob, f.SHA256)
	body := &counted{io.LimitReader(file, f.Size-offset), offset, progress}
	r, err := http.NewRequestWithContext(ctx, method, c.base+target, body)
	if err != nil {
		return err
	}
	r.ContentLength = f.Size - offset
	r.Header.Set("Content-Type", "application/octet-stream")
	if r.ContentLength == 0 {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, f.Size-1, f.Size))
	}
	resp, err := c.do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// offset asks how much of a file the site has.
func (c *Client) offset(ctx context.Context, sha string) (offset int64, complete bool, err error) {
	method, target := pathOf(api.RouteHasBlob, sha)
	r, err := http.NewRequestWithContext(ctx, method, c.base+target, nil)
	if err != nil {
		return 0, false, err
	}
	resp, err := c.do(r)
	var e *api.Error
	switch {
	case err == nil:
		return 0, true, resp.Body.Close()
	case errors.As(err, &e) && e.Code == api.CodeForbidden: // an answer to HEAD has no words
		return 0, false, api.Errorf(e.Code, "content", "you may not bring in content").WithRemedy("ask an administrator for the right `change` on the object that it is for, on its kind, or on its folder")
	case !errors.As(err, &e) || e.Code != api.CodeNotFound:
		return 0, false, err
	}
	offset, err = strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("site %s: Upload-Offset: %w", c.base, err)
	}
	return offset, false, nil
}

// counted tells of what was read.
type counted struct {
	io.Reader
	at       int64
	progress func(int64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.at += int64(n)
	c.progress(c.at)
	return n, err
}
