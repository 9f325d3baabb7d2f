package pcap

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// file makes a capture of one frame.
func file(order binary.AppendByteOrder, magic uint32, frame []byte) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(order.AppendUint32(b, 1<<16), linkEther)
	for _, v := range []uint32{1000, 7, uint32(len(frame)), uint32(len(frame))} {
		b = order.AppendUint32(b, v)
	}
	return append(b, frame...)
}

// frame is a UDP datagram from 10.0.0.1:68 to 10.0.0.2:67 that says "hi", padded.
func frame() []byte {
	b := append(make([]byte, 12), 8, 0)
	b = append(b, 0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
	b = append(b, 0, 68, 0, 67, 0, 10, 0, 0)
	return append(append(b, "hi"...), make([]byte, 20)...)
}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		order binary.AppendByteOrder
		magic uint32
		unit  time.Duration
	}{{binary.LittleEndian, 0xa1b2c3d4, time.Microsecond}, {binary.BigEndian, 0xa1b2c3d4, time.Microsecond}, {binary.LittleEndian, 0xa1b23c4d, time.Nanosecond}} {
		all, err := Read(bytes.NewReader(file(tt.order, tt.magic, frame())))
		if err != nil || len(all) != 1 {
			t.Fatalf("%d packets, %v", len(all), err)
		}
		p := all[0]
		if string(p.Payload) != "hi" || p.Source.String() != "10.0.0.1:68" || p.Dest.String() != "10.0.0.2:67" || p.TCP || !p.Time.Equal(time.Unix(1000, 7*int64(tt.unit))) {
			t.Errorf("%+v", p)
		}
	}
	whole := file(binary.LittleEndian, 0xa1b2c3d4, frame())
	for _, bad := range [][]byte{nil, whole[:20], whole[:30], whole[:50], []byte("this is no capture, just text")} {
		if _, err := Read(bytes.NewReader(bad)); err == nil {
			t.Errorf("%d bytes were taken", len(bad))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(binary.LittleEndian, 0xa1b2c3d4, frame()))
	f.Add(file(binary.BigEndian, 0xa1b23c4d, frame()[:40]))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, _ := Read(bytes.NewReader(b))
		for _, p := range all {
			if len(p.IP) < 20 || len(p.SourceMAC) != 6 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
