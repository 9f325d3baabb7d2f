package boot

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"strings"
)

// One event of an input device on 64-bit systems (linux/input.h, struct input_event): time of 16 bytes, type, code,
// value.
const (
	inputEventSize = 24
	eventKey       = 1   // EV_KEY
	keyPower       = 116 // KEY_POWER
)

// powerPressed reads events of an input device until the power button is pressed; false when the device ends.
func powerPressed(device io.Reader) bool {
	event := make([]byte, inputEventSize)
	for {
		if _, err := io.ReadFull(device, event); err != nil {
			return false
		}
		le := binary.LittleEndian
		if le.Uint16(event[16:]) == eventKey && le.Uint16(event[18:]) == keyPower && le.Uint32(event[20:]) == 1 {
			return true
		}
	}
}

// watchPower has an input device's power button end everything and switch the machine off.
func (i *Init) watchPower(ctx context.Context, name string) {
	if !strings.HasPrefix(name, "input/event") {
		return
	}
	f, err := os.Open("/dev/" + name)
	if err != nil {
		i.Log.Warn("power button", "device", name, "error", err)
		return
	}
	defer f.Close()
	defer context.AfterFunc(ctx, func() { f.Close() })()
	if powerPressed(f) {
		i.Log.Info("the power button was pressed")
		i.powerOff.Store(true)
		i.end()
	}
}
