package dhcp

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// FuzzDecode: our decoder takes the datagrams that the library takes, gives the same
// message, and keeps nothing of the one before.
func FuzzDecode(f *testing.F) {
	for _, b := range questions(f) {
		f.Add(b, b)
		f.Add(b[:len(b)-1], b[:240])
		split := append(bytes.Clone(b[:len(b)-1]), 60, 1, '!', 12, 0, 12, 0, 0, 12, 1, 'x', 255, 12)
		f.Add(split, b)
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		var m dhcpv4.DHCPv4
		for _, b := range [][]byte{one, two} {
			before := bytes.Clone(b)
			want, err := dhcpv4.FromBytes(b)
			if got := decode(&m, b); got != (err == nil) {
				t.Fatalf("taken: %t, the library says %v: %x", got, err, b)
			}
			if err == nil && !reflect.DeepEqual(&m, want) {
				t.Errorf("got %#v, the library %#v", m, *want)
			}
			if err == nil && TypeOf(&m) != want.MessageType() {
				t.Errorf("type %s, the library says %s", TypeOf(&m), want.MessageType())
			}
			if !bytes.Equal(b, before) {
				t.Errorf("the datagram was changed: %x, was %x", b, before)
			}
		}
	})
}
