package dhcp

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// FuzzEncode: our encoder gives the bytes that the library gives for the same answer,
// whatever was asked and is answered, and whatever its room held before.
func FuzzEncode(f *testing.F) {
	for _, b := range questions(f) {
		f.Add(b, byte(2), "x/uki.efi", []byte("\x3c\x09PXEClient\x2b\x04\x06\x01\x08\xff\x36\x04\xc0\xa8\x4d\x01\x00\x01x\x52\x02\x01\x00\x36\x00"))
		f.Add(b, byte(5), string(make([]byte, MaxFile)), []byte{43, 255})
		f.Add(b, byte(5), string(make([]byte, 300)), []byte{67, 1, 'x', 255, 1, 2})
	}
	var room options
	f.Fuzz(func(t *testing.T, question []byte, kind byte, file string, list []byte) {
		req, err := dhcpv4.FromBytes(question)
		if err != nil {
			return
		}
		r := Reply{Type: dhcpv4.MessageType(kind), File: file, Options: reply(list)}
		if kind&1 == 0 {
			r.NextServer = netip.MustParseAddr("192.168.77.1")
		}
		want := Build(req, r).ToBytes()
		got := answer([]byte("before"), req, r, &room)
		if !bytes.Equal(got[6:], want) {
			t.Errorf("got %x\nthe library %x", got[6:], want)
		}
	})
}

// reply makes options of bytes: code, length, value; a length of 255 is one of 255 times
// three.
func reply(b []byte) (all []Option) {
	for len(b) > 1 {
		n := min(int(b[1]), len(b)-2)
		value := b[2 : 2+n]
		if b[1] == 255 {
			value = make([]byte, 3*255)
		}
		all = append(all, Option{b[0], value})
		b = b[2+n:]
	}
	return all
}
