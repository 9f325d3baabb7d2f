package site

import (
	"encoding/binary"
	"testing"
)

func TestMachineOf(t *testing.T) {
	image := func(at uint32, machine uint16) []byte {
		b := make([]byte, 0x80)
		copy(b, "MZ")
		binary.LittleEndian.PutUint32(b[0x3c:], at)
		if int(at)+6 <= len(b) {
			copy(b[at:], "PE\x00\x00")
			binary.LittleEndian.PutUint16(b[at+4:], machine)
		}
		return b
	}
	for name, tt := range map[string]struct {
		head []byte
		want uint16
	}{
		"x64": {image(0x40, machineX64), machineX64}, "arm64": {image(0x7a, machineARM64), machineARM64},
		"header outside": {image(0x7b, machineARM64), 0}, "far outside": {image(0xffffffff, 0), 0}, "text": {[]byte("uki"), 0},
	} {
		if got := machineOf(tt.head); got != tt.want {
			t.Errorf("%s: %#x, want %#x", name, got, tt.want)
		}
	}
}
