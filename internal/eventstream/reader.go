package eventstream

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line that is read: an event of 1 MiB is a fault.
const maxLine = 1 << 20

// Reader reads events.
type Reader struct {
	lines *bufio.Scanner
	last  string
}

// LastID is the place behind what was read.
func (r *Reader) LastID() string { return r.last }

// NewReader reads a stream.
func NewReader(r io.Reader) *Reader {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	s.Split(splitLine)
	return &Reader{lines: s}
}

// splitLine takes CR LF, LF and CR for ends of lines. A CR at the end of what is there waits
// for the next byte, which may be its LF.
func splitLine(data []byte, atEOF bool) (int, []byte, error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i >= 0 && data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n':
		return i + 2, data[:i], nil
	case i >= 0 && data[i] == '\r' && i+1 == len(data) && !atEOF:
		return 0, nil, nil // a LF may follow
	case i >= 0:
		return i + 1, data[:i], nil
	}
	return 0, nil, nil // a line that was torn counts for nothing
}

// Read returns the next event with data; io.EOF at the end of the stream.
func (r *Reader) Read() (Event, error) {
	e := Event{ID: r.last, Name: "message"}
	var data [][]byte
	for r.lines.Scan() {
		line := r.lines.Bytes()
		if len(line) == 0 {
			r.last = e.ID
			if data != nil {
				e.Data = bytes.Join(data, []byte("\n"))
				return e, nil
			}
			e.Name = "message"
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			if !bytes.ContainsRune(value, 0) {
				e.ID = string(value)
			}
		case "event":
			e.Name = string(value)
		case "data":
			data = append(data, bytes.Clone(value))
			if total(data) > maxLine {
				return Event{}, errors.New("event stream: an event is too long")
			}
		}
	}
	if err := r.lines.Err(); err != nil {
		return Event{}, fmt.Errorf("event stream: %w", err)
	}
	return Event{}, io.EOF
}

func total(lines [][]byte) (n int) {
	for _, l := range lines {
		n += len(l)
	}
	return n
}

// ReadAll gives take the data of each event, to the end of the stream, which is no
// error. It returns the place behind the last one that was taken, after if none was.
func ReadAll[T any](in io.Reader, after string, take func(T) error) (string, error) {
	r := NewReader(in)
	for {
		e, err := r.Read()
		if errors.Is(err, io.EOF) {
			return cmp.Or(r.last, after), nil
		}
		if err != nil {
			return after, err
		}
		var data T
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return after, fmt.Errorf("event stream: %s: %w", e.Name, err)
		}
		if err := take(data); err != nil {
			return after, err
		}
		after = r.last
	}
}
