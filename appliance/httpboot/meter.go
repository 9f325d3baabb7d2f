package httpboot

import (
	"io"
	"net/http"
	"strconv"
)

// meter counts what is written. It passes ReadFrom on, so that net/http still sends
// files with sendfile.
type meter struct {
	http.ResponseWriter
	status int
	want   int64
	bytes  int64
	err    error
}

func (m *meter) WriteHeader(status int) {
	m.status = status
	m.want, _ = strconv.ParseInt(m.Header().Get("Content-Length"), 10, 64)
	m.ResponseWriter.WriteHeader(status)
}

func (m *meter) Write(b []byte) (int, error) {
	n, err := m.ResponseWriter.Write(b)
	m.note(int64(n), err)
	return n, err
}

// ReadFrom is what io.CopyN in http.ServeContent calls.
func (m *meter) ReadFrom(r io.Reader) (int64, error) {
	rf, ok := m.ResponseWriter.(io.ReaderFrom)
	if !ok {
		n, err := io.Copy(struct{ io.Writer }{m.ResponseWriter}, r)
		m.note(n, err)
		return n, err
	}
	n, err := rf.ReadFrom(r)
	m.note(n, err)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

func (m *meter) note(n int64, err error) {
	m.bytes += n
	if err != nil {
		m.err = err
	}
}
