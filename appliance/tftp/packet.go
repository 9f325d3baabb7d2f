package tftp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
)

// Op codes (RFC 1350 section 5, RFC 2347).
const (
	opRead  = 1
	opWrite = 2
	opData  = 3
	opAck   = 4
	opError = 5
	opOACK  = 6
)

// Error codes (RFC 1350 appendix, RFC 2347).
const (
	codeUndefined = 0
	codeNotFound  = 1
	codeAccess    = 2
	codeIllegal   = 4
	codeDeclined  = 8
)

const (
	defaultBlock = 512
	minBlock     = 8
)

// request is a read or write request.
type request struct {
	write   bool
	name    string
	mode    string            // lower case
	options map[string]string // names in lower case; nil without any
}

var errPacket = errors.New("malformed request")

// parseRequest reads an RRQ or WRQ. An option that is named twice keeps its first
// value; a last option without value is dropped, as some ROMs cut them off.
func parseRequest(b []byte) (request, error) {
	if len(b) < 4 {
		return request{}, errPacket
	}
	op := binary.BigEndian.Uint16(b)
	if op != opRead && op != opWrite {
		return request{}, errPacket
	}
	fields := bytes.Split(b[2:], []byte{0})
	if len(fields) < 3 || len(fields[0]) == 0 { // name, mode, and what follows the last zero
		return request{}, errPacket
	}
	fields = fields[:len(fields)-1]
	r := request{write: op == opWrite, name: string(fields[0]), mode: strings.ToLower(string(fields[1]))}
	if r.mode != "octet" && r.mode != "netascii" {
		return request{}, errPacket
	}
	for i := 2; i+1 < len(fields); i += 2 {
		k := strings.ToLower(string(fields[i]))
		if r.options == nil {
			r.options = map[string]string{}
		}
		if _, twice := r.options[k]; !twice && k != "" {
			r.options[k] = string(fields[i+1])
		}
	}
	return r, nil
}

// terms are what a transfer runs under.
type terms struct {
	block   int
	window  int
	timeout int      // seconds the client asked for, 0: ours
	oack    []string // accepted options and values in turn; empty: no OACK
}

// negotiate accepts what it can of the options; what it does not know or cannot
// honour is left out of the OACK, which the client must take (RFC 2347). Block sizes
// are cut to maxBlock, so that no packet is fragmented: boot ROMs cannot reassemble.
func negotiate(options map[string]string, size int64, maxBlock int) terms {
	t := terms{block: defaultBlock, window: 1}
	if n, ok := option(options, "blksize", minBlock, 65464); ok {
		t.block = min(n, max(maxBlock, defaultBlock))
		t.oack = append(t.oack, "blksize", strconv.Itoa(t.block))
	}
	if _, ok := options["tsize"]; ok && size >= 0 {
		t.oack = append(t.oack, "tsize", strconv.FormatInt(size, 10))
	}
	if n, ok := option(options, "timeout", 1, 30); ok {
		t.timeout = n
		t.oack = append(t.oack, "timeout", strconv.Itoa(n))
	}
	if n, ok := option(options, "windowsize", 1, 65535); ok {
		t.window = min(n, maxWindow)
		t.oack = append(t.oack, "windowsize", strconv.Itoa(t.window))
	}
	return t
}

func option(options map[string]string, name string, low, high int) (int, bool) {
	n, err := strconv.Atoi(options[name])
	return n, err == nil && n >= low && n <= high
}

func appendOACK(b []byte, oack []string) []byte {
	b = binary.BigEndian.AppendUint16(b, opOACK)
	for _, s := range oack {
		b = append(append(b, s...), 0)
	}
	return b
}

func appendError(b []byte, code uint16, message string) []byte {
	b = binary.BigEndian.AppendUint16(b, opError)
	b = binary.BigEndian.AppendUint16(b, code)
	return append(append(b, message...), 0)
}
